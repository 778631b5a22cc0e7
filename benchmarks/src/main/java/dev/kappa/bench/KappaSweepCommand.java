package dev.kappa.bench;

import dev.kappa.cli.Checked;
import dev.kappa.device.Device;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;

/**
 * {@code kappa bench kappa-sweep}: see {@link KappaSweep}; {@link SweepResult} is what it gives.
 */
@Command(
    name = "kappa-sweep",
    description =
        "Time to the first token by κ, with the prefix recomputed, loaded, and loaded while"
            + " computing; κ_crit predicted and measured.",
    mixinStandardHelpOptions = true)
final class KappaSweepCommand implements Callable<Integer> {

  @SuppressWarnings("NullAway.Init") // set by picocli
  @Spec
  private CommandSpec spec;

  @Mixin private BenchFlags flags = new BenchFlags();

  @Option(
      names = "--context",
      paramLabel = "TOKENS",
      description = "Tokens of every request (default: 4096, or what the model has room for).")
  private @Nullable Integer context;

  @Option(
      names = "--kappa",
      split = ",",
      paramLabel = "K/T",
      description = "Cached tokens per new token (default: 0.25 to 100, closer around κ_crit).")
  private List<Double> kappas = List.of();

  @Option(
      names = "--rounds",
      paramLabel = "COUNT",
      description = "Repetitions; medians count (default: 5).")
  private int rounds = 5;

  @Option(
      names = "--block-size",
      paramLabel = "TOKENS",
      description = "Tokens in a KV block; prefixes are whole blocks (default: 0, by their bytes).")
  private int blockSize;

  @Option(
      names = "--output",
      paramLabel = "FILE",
      description = "Writes everything that was measured as JSON.")
  private @Nullable Path output;

  @Override
  public Integer call() throws IOException {
    check();
    KappaSweep.Settings settings =
        new KappaSweep.Settings(
            flags.model(),
            context == null ? 0 : context,
            kappas,
            rounds,
            blockSize,
            flags.maxBatchedTokens(),
            flags.device().linkBandwidth(),
            flags.dummyWeights(),
            flags.seed(),
            flags.traceOut());
    SweepResult result;
    try (Device device = flags.device().open().device();
        KappaSweep sweep = new KappaSweep(settings, device, EngineProbe::sleep)) {
      result = sweep.run(message -> System.err.println(message));
    }
    SweepTable.print(result, System.out);
    if (output != null) {
      Files.writeString(output, json(result));
    }
    return 0;
  }

  private void check() {
    CommandLine command = spec.commandLine();
    flags.check();
    if (context != null) {
      Checked.between(command, "--context", context, 1, 1 << 26);
    }
    kappas.forEach(kappa -> Checked.positive(command, "--kappa", kappa));
    Checked.between(command, "--rounds", rounds, 1, Integer.MAX_VALUE);
    Checked.between(command, "--block-size", blockSize, 0, 1024);
    Checked.writable(command, "--output", output);
  }

  static String json(SweepResult result) {
    JsonMapper mapper = JsonMapper.builder().enable(SerializationFeature.INDENT_OUTPUT).build();
    return mapper.writeValueAsString(result) + "\n";
  }
}
