package dev.kappa.cli;

import dev.kappa.device.Device;
import dev.kappa.model.ModelShapes;
import dev.kappa.plan.MeasuredMachine;
import dev.kappa.roofline.Gpu;
import dev.kappa.roofline.Link;
import dev.kappa.roofline.Machine;
import dev.kappa.roofline.Precision;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;

/** The flags that describe a machine that need not be there, or have this one measured. */
final class MachineFlags {

  /** Of the prompt whose speed {@code --prefill-rate} is. */
  private static final int MEASURED_PROMPT = 8000;

  private static final List<String> DESCRIBING =
      List.of(
          "--gpu",
          "--gpus",
          "--link",
          "--precision",
          "--compute-share",
          "--prefill-rate",
          "--link-rate");

  private static final List<String> MEASURING =
      List.of("--device", "--threads", "--link-bandwidth", "--deterministic");

  @Option(
      names = "--gpu",
      paramLabel = "NAME",
      completionCandidates = Ids.Gpus.class,
      converter = Ids.Gpus.class,
      description = "The GPU: ${COMPLETION-CANDIDATES}.")
  private @Nullable Gpu gpu;

  @Option(
      names = "--gpus",
      paramLabel = "COUNT",
      defaultValue = "1",
      description = "How many of them share the model, each with a link of its own (default: 1).")
  private int count;

  @Option(
      names = "--link",
      paramLabel = "NAME",
      completionCandidates = Ids.Links.class,
      converter = Ids.Links.class,
      description = "The link to host memory: ${COMPLETION-CANDIDATES} (default: the GPU's own).")
  private @Nullable Link link;

  @Option(
      names = "--precision",
      paramLabel = "TYPE",
      defaultValue = "bf16",
      description = "What matrices are multiplied in: bf16 or fp8 (default: bf16).")
  private Precision precision = Precision.BF16;

  @Option(
      names = "--compute-share",
      paramLabel = "SHARE",
      defaultValue = "" + Machine.Rated.COMPUTE_SHARE,
      description =
          "Share of the GPU's peak FLOP/s that a prefill achieves (default: "
              + Machine.Rated.COMPUTE_SHARE
              + ", an assumption).")
  private double computeShare;

  @Option(
      names = "--prefill-rate",
      paramLabel = "TOKENS",
      description =
          "Tokens per second that the machine was measured to compute of a prompt of "
              + MEASURED_PROMPT
              + " tokens; in place of --compute-share.")
  private @Nullable Double prefillRate;

  @Option(
      names = "--link-rate",
      paramLabel = "RATE",
      converter = LinkRate.class,
      description = "What the link was measured to copy to the GPU, as in 50GB/s.")
  private @Nullable Long linkRate;

  @Option(
      names = "--measure",
      description =
          "Measures this machine with the model, on random weights, and plans with that; some"
              + " seconds to some minutes.")
  private boolean measure;

  @Mixin private DeviceFlags device = new DeviceFlags();

  int devices() {
    return count;
  }

  /** Whether this machine is to be measured. */
  boolean measures() {
    return measure;
  }

  /**
   * Measures this machine.
   *
   * @param model the model's folder
   * @throws ParameterException if other flags describe a machine, too
   */
  MeasuredMachine measured(Path model, CommandLine command) {
    for (String option : DESCRIBING) {
      if (command.getParseResult().hasMatchedOption(option)) {
        throw new ParameterException(
            command, "--measure measures this machine; leave " + option + " away");
      }
    }
    try (Device opened = device.open().device()) {
      return MeasuredMachine.of(model, opened, 0);
    }
  }

  /**
   * The machine that the flags describe.
   *
   * @throws ParameterException if they describe none
   */
  Machine machine(ModelShapes.Described model, CommandLine command) {
    for (String option : MEASURING) {
      if (command.getParseResult().hasMatchedOption(option)) {
        throw new ParameterException(command, option + " is for --measure");
      }
    }
    if (gpu == null) {
      String names = String.join(", ", new Ids.Gpus());
      throw new ParameterException(command, "--measure is needed, or --gpu: one of " + names);
    }
    Checked.between(command, "--gpus", count, 1, 1 << 16);
    Checked.share(command, "--compute-share", computeShare);
    Machine rated;
    try {
      rated = new Machine.Rated(gpu, link == null ? gpu.link() : link, precision, computeShare);
    } catch (IllegalArgumentException e) {
      throw new ParameterException(command, String.valueOf(e.getMessage()), e);
    }
    if (prefillRate == null && linkRate == null) {
      return rated;
    }
    if (prefillRate != null) {
      Checked.positive(command, "--prefill-rate", prefillRate);
    }
    double bandwidth = linkRate == null ? rated.profile().hostToDeviceBytesPerSecond() : linkRate;
    double tokens =
        prefillRate == null
            ? MEASURED_PROMPT
                * rated.profile().flopsPerSecond()
                / model.shape().flops(MEASURED_PROMPT, 0)
            : prefillRate / count;
    return Machine.Measured.of(rated, model.shape(), MEASURED_PROMPT, tokens, bandwidth);
  }
}
