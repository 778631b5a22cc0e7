package dev.kappa.engine;

import dev.kappa.device.Device;
import dev.kappa.device.DeviceException;
import dev.kappa.device.Devices;
import dev.kappa.device.Kernels;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/** The CPU device with faults: refused allocations, failing kernels, no free memory. */
final class FaultyDevice {

  private static final Set<String> RESOURCES =
      Set.of("allocate", "allocateHost", "loadWeight", "loadVector", "newStream");

  private static final int NEVER = Integer.MAX_VALUE;

  private FaultyDevice() {}

  /** Fails the {@code count}-th request for a resource, counted from 0. */
  static Device refusing(int count) {
    return device(count, NEVER, -1);
  }

  /** Fails the {@code count}-th attention, counted from 0. */
  static Device failingAttention(int count) {
    return device(NEVER, count, -1);
  }

  /** Says that no memory is free, though there is. */
  static Device full() {
    return device(NEVER, NEVER, 0);
  }

  private static Device device(int resourceFault, int attentionFault, long freeBytes) {
    Device real = Devices.open("cpu", 1).device();
    AtomicInteger resources = new AtomicInteger();
    AtomicInteger attentions = new AtomicInteger();
    Kernels kernels =
        proxy(
            Kernels.class,
            real.kernels(),
            method -> {
              if (method.equals("attention") && attentions.getAndIncrement() == attentionFault) {
                throw new DeviceException("attention failed on purpose");
              }
              return null;
            });
    return proxy(
        Device.class,
        real,
        method -> {
          if (RESOURCES.contains(method) && resources.getAndIncrement() == resourceFault) {
            throw new DeviceException("refused on purpose");
          }
          if (method.equals("freeBytes") && freeBytes >= 0) {
            return freeBytes;
          }
          return method.equals("kernels") ? kernels : null;
        });
  }

  /** Stands in for a method: returns its result, or null to go on to the real one. */
  private interface Interception {
    @Nullable Object before(String method);
  }

  private static <T> T proxy(Class<T> type, T real, Interception interception) {
    Object proxy =
        Proxy.newProxyInstance(
            type.getClassLoader(),
            new Class<?>[] {type},
            (self, method, arguments) -> {
              Object instead = interception.before(method.getName());
              return instead != null ? instead : invoke(real, method, arguments);
            });
    return type.cast(proxy);
  }

  private static Object invoke(Object real, Method method, Object[] arguments) throws Throwable {
    try {
      return method.invoke(real, arguments);
    } catch (InvocationTargetException e) {
      throw e.getCause();
    }
  }
}
