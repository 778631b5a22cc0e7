package dev.kappa.device.check;

import dev.kappa.device.Device;
import dev.kappa.device.DeviceMemory;
import dev.kappa.device.Kernels;
import dev.kappa.device.KvLayer;
import dev.kappa.device.Memory;
import dev.kappa.device.Stream;
import dev.kappa.device.WrappedDevice;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;

/** A device of which one kernel gets four bytes of its result wrong. */
public final class WrongDevice extends WrappedDevice {

  private final Kernels kernels;

  /** Wraps a device, and owns it. */
  public WrongDevice(Device real, String wrong) {
    super(real);
    kernels =
        (Kernels)
            Proxy.newProxyInstance(
                Kernels.class.getClassLoader(),
                new Class<?>[] {Kernels.class},
                (self, method, arguments) -> invoke(wrong, method, arguments));
  }

  private Object invoke(String wrong, Method method, Object[] arguments) throws Throwable {
    Object[] own = arguments == null ? new Object[0] : arguments.clone();
    Object result;
    try {
      result = method.invoke(super.kernels(), arguments);
    } catch (InvocationTargetException e) {
      throw e.getCause();
    }
    if (method.getName().equals(wrong)) {
      Stream stream = (Stream) own[0];
      if (own[own.length - 1] instanceof KvLayer layer) {
        // Where nothing is to be written.
        stream.copy(layer.pool(), 0, (DeviceMemory) own[1], 0, 4);
      } else {
        Memory out = (Memory) own[own.length - 1];
        // Of two routes, experts may be the same; what is no expert's number is always wrong.
        long from = wrong.equals("route") ? 4 : out.bytes() / 2 / 4 * 4;
        stream.copy(out, 0, out, from, 4);
      }
    }
    return result;
  }

  @Override
  public Kernels kernels() {
    return kernels;
  }
}
