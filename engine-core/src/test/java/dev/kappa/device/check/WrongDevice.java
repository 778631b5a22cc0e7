package dev.kappa.device.check;

import dev.kappa.device.Device;
import dev.kappa.device.HostMemory;
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
      Object last = own[own.length - 1];
      // Of KV, the start is where nothing is to be written.
      spoil(stream, last instanceof KvLayer layer ? layer.pool() : (Memory) last);
    }
    return result;
  }

  /** With what no result is, whatever the inputs: 8e37 as floats, 2e9 as an integer. */
  private void spoil(Stream stream, Memory result) {
    try (HostMemory wrong = allocateHost(4)) {
      wrong.segment().fill((byte) 0x7e);
      stream.copy(result, 0, wrong, 0, 4);
      stream.synchronize();
    }
  }

  @Override
  public Kernels kernels() {
    return kernels;
  }
}
