package dev.kappa.bench;

import dev.kappa.cli.Checked;
import dev.kappa.cli.Words;
import dev.kappa.device.Device;
import dev.kappa.device.Devices;
import dev.kappa.kv.KvStats;
import dev.kappa.kv.StorePolicy;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code kappa bench offload-overhead}: see {@link OffloadOverhead}. */
@Command(
    name = "offload-overhead",
    description =
        "Throughput of traffic that reuses nothing, with KV kept in host memory, as a share of that"
            + " without.",
    mixinStandardHelpOptions = true)
final class OffloadOverheadCommand implements Callable<Integer> {

  private static final int MOST_REQUESTS = 1 << 16;
  private static final int MOST_TOKENS = 1 << 26;

  @SuppressWarnings("NullAway.Init") // set by picocli
  @Spec
  private CommandSpec spec;

  @Mixin private BenchFlags flags = new BenchFlags();

  @Option(
      names = "--pairs",
      paramLabel = "COUNT",
      description = "Measurements of each, in turns (default: 15).")
  private int pairs = 15;

  @Option(
      names = "--requests",
      paramLabel = "COUNT",
      description = "Requests of a measurement, sent at once (default: 16).")
  private int requests = 16;

  @Option(
      names = "--prompt",
      paramLabel = "TOKENS",
      description = "Tokens of each prompt (default: 1024).")
  private int prompt = 1024;

  @Option(
      names = "--generate",
      paramLabel = "TOKENS",
      description = "Tokens generated for each (default: 32).")
  private int generate = 32;

  @Option(
      names = "--kv-store-policy",
      paramLabel = "POLICY",
      defaultValue = "adaptive",
      completionCandidates = Words.StorePolicies.class,
      converter = Words.StorePolicies.class,
      description = "When blocks are stored: ${COMPLETION-CANDIDATES} (default: adaptive).")
  private StorePolicy storePolicy = StorePolicy.ADAPTIVE;

  @Override
  public Integer call() {
    check();
    OffloadOverhead.Settings settings =
        new OffloadOverhead.Settings(
            flags.model(),
            requests,
            prompt,
            generate,
            pairs,
            flags.maxBatchedTokens(),
            storePolicy,
            flags.dummyWeights(),
            flags.seed(),
            flags.traceOut());
    Machine machine = Machine.here();
    Devices.Choice choice = flags.device().open();
    try (Device device = choice.device();
        OffloadOverhead overhead = new OffloadOverhead(settings, device, EngineProbe::sleep)) {
      System.out.printf("# %s%n", machine);
      System.out.printf(
          "# %s on %s; %d pairs of %d requests with %d + %d tokens%n",
          flags.model(), choice.reason(), settings.pairs(), requests, prompt, generate);
      print(overhead.run());
    }
    return 0;
  }

  private void check() {
    CommandLine command = spec.commandLine();
    flags.check();
    Checked.between(command, "--pairs", pairs, 1, Integer.MAX_VALUE);
    Checked.between(command, "--requests", requests, 1, MOST_REQUESTS);
    Checked.between(command, "--prompt", prompt, 1, MOST_TOKENS);
    Checked.between(command, "--generate", generate, 1, MOST_TOKENS);
  }

  private void print(OffloadOverhead.Result result) {
    for (OffloadOverhead.Pair pair : result.pairs()) {
      System.out.printf(
          "with %9.1f tokens/s, without %9.1f, ratio %.4f%n",
          pair.withTokensPerSecond(), pair.withoutTokensPerSecond(), pair.ratio());
    }
    KvStats kv = result.stores();
    System.out.printf(
        "stored %d blocks (%.1f MB), skipped %d (%d standing down), discarded %d, evicted unread %d%n",
        kv.stores().blocks(),
        kv.stores().bytes() / 1e6,
        kv.storesSkipped().total(),
        kv.storesSkipped().standDown(),
        kv.storesDiscarded(),
        kv.storesWasted());
    System.out.printf(
        "ratio %.4f (median of %d pairs; 95 %% interval %.4f to %.4f, bootstrap with seed %d)%n",
        result.medianRatio(),
        result.pairs().size(),
        result.interval().low(),
        result.interval().high(),
        flags.seed());
  }
}
