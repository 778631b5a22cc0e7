package dev.kappa.cli.doctor;

import dev.kappa.device.Device;
import dev.kappa.device.Devices;
import dev.kappa.device.check.DeviceCheck;
import dev.kappa.device.check.Extent;
import java.util.function.Consumer;

/** Checks and times what a device computes and copies. */
public final class KernelChecks {

  private KernelChecks() {}

  /**
   * Compares a device with the CPU device; that one with itself on another number of threads, which
   * must not change a bit.
   *
   * @param threads of the device, if it is the CPU device
   * @param seed of the random inputs
   * @param out takes lines of text
   * @return whether all is as it should be
   * @throws dev.kappa.device.DeviceException if there is no CPU device
   */
  public static boolean run(
      Device device, int threads, Extent extent, long seed, Consumer<String> out) {
    int own = threads > 0 ? threads : Runtime.getRuntime().availableProcessors();
    boolean processor = device.info().kind().equals("cpu");
    int others = processor ? (own == 1 ? 2 : 1) : 0;
    try (Device reference = Devices.open("cpu", others).device()) {
      out.accept(
          "Kernels of %s (%s) against %s, seed %d"
              .formatted(
                  device.info().kind(),
                  device.info().name(),
                  processor
                      ? "itself with " + others + (others == 1 ? " thread" : " threads")
                      : "the processor",
                  seed));
      out.accept(KernelTable.head());
      int[] failed = new int[1];
      boolean passed =
          DeviceCheck.run(
              device,
              reference,
              extent,
              seed,
              line -> {
                failed[0] += line.passed() ? 0 : 1;
                out.accept(KernelTable.line(line));
              });
      out.accept(
          passed
              ? Finding.ok("Kernels and copies", "all as they should be").line()
              : Finding.fail(
                      "Kernels and copies",
                      failed[0] + " of the lines above are wrong",
                      "do not compute with this device")
                  .line());
      return passed;
    }
  }
}
