package dev.kappa.bench;

import dev.kappa.cli.Checked;
import dev.kappa.cli.DeviceFlags;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import picocli.CommandLine.Spec.Target;

/** The flags that all measurements of a model take. */
final class BenchFlags {

  @SuppressWarnings("NullAway.Init") // set by picocli
  @Spec(Target.MIXEE)
  private CommandSpec spec;

  @Parameters(index = "0", paramLabel = "MODEL", description = "Directory of the model.")
  private Path model = Path.of("");

  @Option(
      names = "--load-format",
      paramLabel = "FORMAT",
      description = "auto, or dummy for seeded random weights (default: auto).")
  private LoadFormat loadFormat = LoadFormat.auto;

  @Mixin private DeviceFlags device = new DeviceFlags();

  @Option(
      names = "--max-num-batched-tokens",
      paramLabel = "TOKENS",
      description = "Most new tokens in one step (default: 0, chosen by the device).")
  private int maxBatchedTokens;

  @Option(
      names = "--trace-out",
      paramLabel = "FILE",
      description =
          "Writes a trace for ui.perfetto.dev: of the engine that loads while it computes; of"
              + " several one after the other, of the last.")
  private @Nullable Path traceOut;

  @Option(
      names = "--seed",
      paramLabel = "N",
      description = "Seed of prompts and dummy weights (default: 1).")
  private long seed = 1;

  enum LoadFormat {
    auto,
    dummy
  }

  /** Checks what only the values can tell. */
  void check() {
    CommandLine command = spec.commandLine();
    Checked.between(command, "--max-num-batched-tokens", maxBatchedTokens, 0, Integer.MAX_VALUE);
    Checked.writable(command, "--trace-out", traceOut);
  }

  Path model() {
    return model;
  }

  boolean dummyWeights() {
    return loadFormat == LoadFormat.dummy;
  }

  DeviceFlags device() {
    return device;
  }

  /** Where to write a trace; null for none. */
  @Nullable Path traceOut() {
    return traceOut;
  }

  int maxBatchedTokens() {
    return maxBatchedTokens;
  }

  long seed() {
    return seed;
  }
}
