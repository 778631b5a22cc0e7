package dev.kappa.plan;

import dev.kappa.device.Device;
import dev.kappa.device.virtual.VirtualDevice;
import dev.kappa.engine.MachineProbe;
import dev.kappa.model.LoadFormat;
import dev.kappa.model.ModelDirectory;
import dev.kappa.model.ModelShapes;
import dev.kappa.roofline.HardwareProfile;
import dev.kappa.roofline.Machine;
import dev.kappa.roofline.MeasuredRates;
import java.nio.file.Path;
import java.util.concurrent.locks.LockSupport;

/**
 * A machine that was measured with a model, to plan by.
 *
 * @param rates what was measured
 * @param machine the same as a machine
 * @param maxBatchedTokens most tokens of the steps that were measured
 */
public record MeasuredMachine(MeasuredRates rates, Machine.Measured machine, int maxBatchedTokens) {

  private static final int WARM_UPS = 3;
  private static final int ROUNDS = 7;
  private static final long PAUSE_NANOS = 200_000;

  /** Corrections after which a virtual machine does what the real one did. */
  private static final int CORRECTIONS = 6;

  /** Kernels of a layer in a step, and those beside the layers, about. */
  private static final int KERNELS_PER_LAYER = 9;

  private static final int OTHER_KERNELS = 4;

  /**
   * Measures; see {@link MachineProbe}.
   *
   * @param model a model's folder, of which only its {@code config.json} is needed, or a GGUF file;
   *     its weights are random numbers of 16 or 32 bits in any case
   * @param maxBatchedTokens most tokens in a step; 0 for the engine's choice
   */
  public static MeasuredMachine of(Path model, Device device, int maxBatchedTokens) {
    long bytes = device.freeBytes();
    MachineProbe.Settings settings =
        new MachineProbe.Settings(
            maxBatchedTokens, WARM_UPS, ROUNDS, () -> LockSupport.parkNanos(device, PAUSE_NANOS));
    return of(model, device.info().name(), bytes, MachineProbe.measure(model, device, settings));
  }

  /**
   * The machine on which this was found.
   *
   * @param bytes of its memory
   */
  static MeasuredMachine of(Path model, String device, long bytes, MachineProbe.Found found) {
    ModelShapes.Described described = ModelShapes.read(model);
    HardwareProfile formulas =
        found
            .rates()
            .profile(
                device + ", as measured",
                described.shape(),
                ModelDirectory.open(model).weights(LoadFormat.DUMMY).bytes());
    int kernels = KERNELS_PER_LAYER * described.shape().layers() + OTHER_KERNELS;
    HardwareProfile tuned = tuned(model, found, formulas, kernels);
    String source =
        "measured on this machine with " + described.name() + ": prefills, decode steps, copies";
    return new MeasuredMachine(
        found.rates(),
        new Machine.Measured(formulas, tuned, bytes, source),
        found.maxBatchedTokens());
  }

  /**
   * Corrects a machine until an engine that measures it in virtual time finds what was found on the
   * real one; of all corrections the one that comes closest counts, for a rate that hides behind
   * another is corrected ever further in vain.
   *
   * @param first of the right order
   * @param kernels in a step
   */
  private static HardwareProfile tuned(
      Path model, MachineProbe.Found real, HardwareProfile first, int kernels) {
    MeasuredRates wanted = real.rates();
    HardwareProfile machine = first;
    HardwareProfile closest = first;
    double least = Double.POSITIVE_INFINITY;
    for (int i = 0; i <= CORRECTIONS; i++) {
      MeasuredRates found = inVirtualTime(model, machine, real.maxBatchedTokens());
      double distance = distance(found, wanted, real.maxBatchedTokens());
      if (distance < least) {
        least = distance;
        closest = machine;
      }
      double late = (wanted.fixedNanos() - found.fixedNanos()) / kernels;
      machine =
          new HardwareProfile(
              machine.name(),
              machine.flopsPerSecond() * found.tokenNanos() / wanted.tokenNanos(),
              machine.attentionFlopsPerSecond() * found.pairNanos() / wanted.pairNanos(),
              machine.hostToDeviceBytesPerSecond(),
              machine.deviceToHostBytesPerSecond(),
              machine.deviceMemoryBytesPerSecond() * found.weightsNanos() / wanted.weightsNanos(),
              machine.attentionBytesPerSecond() * found.contextNanos() / wanted.contextNanos(),
              Math.max(0, Math.round(machine.kernelLaunchNanos() + late)),
              0);
    }
    return closest;
  }

  /** How far the steps of two machines differ, small ones and large ones, and their attention. */
  private static double distance(MeasuredRates one, MeasuredRates other, int tokens) {
    return factor(one.stepNanos(1), other.stepNanos(1))
        + factor(one.stepNanos(tokens), other.stepNanos(tokens))
        + factor(one.pairNanos(), other.pairNanos())
        + factor(one.contextNanos(), other.contextNanos());
  }

  private static double factor(double one, double other) {
    return Math.abs(Math.log(Math.max(1e-3, one) / Math.max(1e-3, other)));
  }

  private static MeasuredRates inVirtualTime(Path model, HardwareProfile machine, int tokens) {
    try (VirtualDevice device = new VirtualDevice(machine, 1)) {
      return MachineProbe.measure(
              model, device, new MachineProbe.Settings(tokens, 0, 1, device::run))
          .rates();
    }
  }
}
