package dev.kappa.device.cpu;

import dev.kappa.device.Stream;
import java.util.concurrent.locks.LockSupport;

/** Holds streams of the CPU device up. */
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
}
