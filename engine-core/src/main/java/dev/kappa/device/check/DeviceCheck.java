package dev.kappa.device.check;

import dev.kappa.device.Device;
import dev.kappa.device.DeviceException;
import dev.kappa.device.check.KernelCase.Prepared;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.Function;

/**
 * Runs every kernel of a device and of another one that is trusted, on the same random inputs, with
 * results that were NaN before; compares, and times the first. Then does the same with copies,
 * where the host knows what must come out. Two devices of the same numerics must agree in every
 * bit.
 */
public final class DeviceCheck {

  private final Device device;
  private final Device reference;
  private final int rounds;
  private final long seed;
  private final Consumer<CheckLine> lines;
  private int number;
  private boolean passed = true;

  private DeviceCheck(
      Device device, Device reference, int rounds, long seed, Consumer<CheckLine> lines) {
    this.device = device;
    this.reference = reference;
    this.rounds = rounds;
    this.seed = seed;
    this.lines = lines;
  }

  /**
   * Checks everything, whatever fails; blocks until done, and leaves nothing on the devices.
   *
   * @param seed of the inputs
   * @param lines is told of each check once it is done
   * @return whether all passed
   */
  public static boolean run(
      Device device, Device reference, Extent extent, long seed, Consumer<CheckLine> lines) {
    DeviceCheck check = new DeviceCheck(device, reference, extent.rounds, seed, lines);
    KernelCases.of(extent).forEach(check::kernel);
    copies(extent).forEach(check::copy);
    return check.passed;
  }

  private static List<CopyCase> copies(Extent extent) {
    long scale = extent == Extent.FULL ? 64 : 1;
    return List.of(
        new CopyCase(true, scale << 20, 1),
        new CopyCase(false, scale << 20, 1),
        new CopyCase(true, 32 << 10, 32 * scale),
        new CopyCase(false, 32 << 10, 32 * scale),
        new CopyCase(true, 1001, 77),
        new CopyCase(false, 1001, 77));
  }

  private void kernel(Function<Inputs, KernelCase> make) {
    String what = "kernel";
    String shape = "";
    try (Inputs in = new Inputs(nextSeed())) {
      KernelCase one = make.apply(in);
      what = one.kernel();
      shape = one.shape();
      try (Side side = new Side(device);
          Side trusted = new Side(reference)) {
        report(compare(one, side, trusted));
      }
    } catch (RuntimeException e) {
      report(CheckLine.failed(what, shape, problem(e)));
    }
  }

  private CheckLine compare(KernelCase one, Side side, Side trusted) {
    boolean alike = device.info().numericsId().equals(reference.info().numericsId());
    double tolerance = alike ? 0 : one.tolerance();
    Prepared own = one.prepare().apply(side);
    Prepared other = one.prepare().apply(trusted);
    own.launch().run();
    other.launch().run();
    Comparison comparison = new Comparison(tolerance);
    for (int i = 0; i < own.outputs().size(); i++) {
      comparison.add(side, own.outputs().get(i), trusted, other.outputs().get(i));
    }
    return new CheckLine(
        one.kernel(),
        one.shape(),
        tolerance,
        comparison.worst(),
        Timing.median(side, rounds, own.launch()),
        one.work().bytes(side.activation),
        one.work().flops(),
        comparison.problem());
  }

  private void copy(CopyCase one) {
    try (Inputs in = new Inputs(nextSeed());
        Side side = new Side(device)) {
      report(one.check(in, side, rounds));
    } catch (RuntimeException e) {
      report(CheckLine.failed(one.what(), one.shape(), problem(e)));
    }
  }

  /** Whatever a device throws at good arguments is wrong with it. */
  private static String problem(RuntimeException e) {
    return e instanceof DeviceException ? String.valueOf(e.getMessage()) : e.toString();
  }

  private long nextSeed() {
    number++;
    return seed + number;
  }

  private void report(CheckLine line) {
    passed &= line.passed();
    lines.accept(line);
  }
}
