package dev.kappa.bench;

import dev.kappa.cli.Checked;
import dev.kappa.device.Device;
import dev.kappa.device.Devices;
import dev.kappa.engine.Engine;
import dev.kappa.engine.EngineOptions;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/**
 * Prefill and decode rates of one sequence through the whole engine, sampling included: the same
 * quantities as llama-bench's {@code pp} and {@code tg}.
 */
@Command(
    name = "throughput",
    description = "Prefill and decode rates of one sequence, in tokens per second.",
    mixinStandardHelpOptions = true)
final class ThroughputCommand implements Callable<Integer> {

  private static final int MOST_TOKENS = 1 << 26;

  @SuppressWarnings("NullAway.Init") // set by picocli
  @Spec
  private CommandSpec spec;

  @Parameters(index = "0", description = "Model directory.")
  private Path model = Path.of("");

  @Option(names = "--load-format", description = "auto, or dummy for seeded random weights.")
  private BenchFlags.LoadFormat loadFormat = BenchFlags.LoadFormat.auto;

  @Option(names = "--device", description = "auto, cpu, cuda:0, …")
  private String device = "auto";

  @Option(names = "--threads", description = "CPU threads; 0 for one per processor.")
  private int threads;

  @Option(names = "--prompt", split = ",", description = "Prompt lengths to prefill.")
  private List<Integer> prompts = List.of(512);

  @Option(names = "--generate", description = "Tokens to decode.")
  private int generate = 64;

  @Option(names = "--depth", split = ",", description = "Context lengths to decode at.")
  private List<Integer> depths = List.of(1);

  @Option(names = "--rounds", description = "Repetitions; the median counts.")
  private int rounds = 5;

  @Option(names = "--max-num-batched-tokens", description = "Tokens of a prefill chunk.")
  private int maxBatchedTokens = 512;

  @Option(names = "--trace-out", description = "Writes a trace for ui.perfetto.dev.")
  private @Nullable Path traceOut;

  @Option(names = "--seed", description = "Seed of prompts and dummy weights.")
  private long seed = 1;

  @Override
  public Integer call() {
    check();
    Devices.Choice choice = Devices.open(device, threads);
    // Room to warm up.
    int longest = 9;
    for (int length : prompts) {
      longest = Math.max(longest, length + 1);
    }
    for (int depth : depths) {
      longest = Math.max(longest, depth + generate);
    }
    EngineOptions options =
        EngineOptions.builder()
            .maxModelLength(longest)
            .maxSequences(1)
            .maxBatchedTokens(maxBatchedTokens)
            .dummyWeights(loadFormat == BenchFlags.LoadFormat.dummy)
            .prefixCaching(false)
            .seed(seed)
            .build();
    try (Device opened = choice.device();
        Engine engine = Engine.builder(model).options(options).trace(traceOut).start(opened)) {
      System.out.printf("# %s, %s%n", model, choice.reason());
      TimedRequests requests = new TimedRequests(engine, new Random(seed));
      requests.run(Math.min(64, longest - 8), 8);
      for (int length : prompts) {
        List<Double> rates = new ArrayList<>();
        for (int round = 0; round < rounds; round++) {
          rates.add(length / requests.run(length, 1).firstTokenSeconds());
        }
        print("pp" + length, rates);
      }
      for (int depth : depths) {
        List<Double> rates = new ArrayList<>();
        for (int round = 0; round < rounds; round++) {
          rates.add(1 / requests.run(depth, generate).secondsPerToken());
        }
        print("tg" + generate + "@" + depth, rates);
      }
    }
    return 0;
  }

  private void check() {
    CommandLine command = spec.commandLine();
    prompts.forEach(length -> Checked.between(command, "--prompt", length, 1, MOST_TOKENS));
    // The first token is the prefill's: only those after it are decoded.
    Checked.between(command, "--generate", generate, 2, MOST_TOKENS);
    depths.forEach(depth -> Checked.between(command, "--depth", depth, 1, MOST_TOKENS));
    Checked.between(command, "--rounds", rounds, 1, Integer.MAX_VALUE);
    Checked.between(command, "--max-num-batched-tokens", maxBatchedTokens, 0, Integer.MAX_VALUE);
    Checked.writable(command, "--trace-out", traceOut);
  }

  private static void print(String name, List<Double> rates) {
    List<Double> sorted = rates.stream().sorted().toList();
    System.out.printf(
        "%-14s %9.2f tokens/s (median of %d; %.2f to %.2f)%n",
        name, sorted.get(sorted.size() / 2), sorted.size(), sorted.getFirst(), sorted.getLast());
  }
}
