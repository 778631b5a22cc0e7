package dev.kappa.device.cpu;

import dev.kappa.device.DeviceException;
import dev.kappa.device.Stream;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.locks.LockSupport;

/** Holds streams of the CPU device up, or breaks them. */
public final class CpuDelays {

  private CpuDelays() {}

  /** Lets the work submitted later wait for so long after the work submitted so far. */
  public static void delay(Stream stream, long nanos) {
    CpuStream.of(stream)
        .launch(scratch -> {
          long end = System.nanoTime() + nanos;
          for (long left = nanos; left > 0; left = end - System.nanoTime()) {
            LockSupport.parkNanos(left);
          }
        });
  }

  /** Lets the work submitted later wait until the latch opens. */
  public static void hold(Stream stream, CountDownLatch until) {
    CpuStream.of(stream)
        .launch(scratch -> {
          try {
            until.await();
          } catch (InterruptedException e) {
            throw new IllegalStateException(e);
          }
        });
  }

  /** Lets the stream fail after the work submitted so far. */
  public static void fail(Stream stream, String message) {
    CpuStream.of(stream)
        .launch(scratch -> {
          throw new DeviceException(message);
        });
  }
}
