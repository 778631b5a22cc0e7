package dev.kappa.bench;

import dev.kappa.cli.Checked;
import dev.kappa.cli.Words;
import dev.kappa.engine.EngineOptions;
import dev.kappa.engine.EngineStats;
import dev.kappa.kv.KvStats;
import dev.kappa.kv.StorePolicy;
import dev.kappa.plan.Replay;
import dev.kappa.plan.Trace;
import dev.kappa.plan.TraceReader;
import dev.kappa.plan.TraceReplay;
import dev.kappa.roofline.Gpu;
import dev.kappa.roofline.Machine;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code kappa bench store-policies}: what each policy makes of a trace. */
@Command(
    name = "store-policies",
    description = {
      "Replays a trace in virtual time, on an H100 with PCIe 5, once for each policy and each size",
      "of host memory: how much of the prompts was cached, and what was stored for it."
    },
    mixinStandardHelpOptions = true)
final class StorePoliciesCommand implements Callable<Integer> {

  private static final double GIB = 1L << 30;

  @Spec private CommandSpec spec = CommandSpec.create();

  @Parameters(index = "0", paramLabel = "MODEL", description = "Directory of the model.")
  private Path model = Path.of("");

  @Option(
      names = "--trace",
      paramLabel = "FILE",
      description =
          "Requests in Mooncake's form (default: documents popular by Zipf's law, and as many"
              + " requests whose prompts never come again).")
  private @Nullable Path trace;

  @Option(
      names = "--requests",
      paramLabel = "COUNT",
      description = "So many of its requests (default: 4000).")
  private int requests = 4000;

  @Option(
      names = "--request-rate",
      paramLabel = "RATE",
      description = "Requests per second (default: 1).")
  private double rate = 1;

  @Option(
      names = "--kv-offloading-size",
      paramLabel = "GIB",
      split = ",",
      description = "Host memory for KV blocks (default: 64, 128 and 256).")
  private List<Double> hostGib = List.of(64.0, 128.0, 256.0);

  @Option(
      names = "--kv-store-policy",
      paramLabel = "POLICY",
      split = ",",
      completionCandidates = Words.StorePolicies.class,
      converter = Words.StorePolicies.class,
      description = "Policies (default: ${COMPLETION-CANDIDATES}).")
  private List<StorePolicy> policies = List.of(StorePolicy.values());

  @Option(
      names = "--seed",
      paramLabel = "N",
      description = "Seed of the trace that is made up (default: 1).")
  private long seed = 1;

  @Override
  public Integer call() {
    check();
    Path file = trace;
    Trace whole = file == null ? ScanTrace.of(requests, seed) : TraceReader.read(file);
    Trace replayed = whole.first(requests).atRate(rate);
    PrintWriter out = spec.commandLine().getOut();
    out.printf(
        Locale.ROOT,
        "# %s, %d requests at %.3g per second%n# %s%n",
        file == null ? "documents and scans" : file.getFileName(),
        replayed.requests().size(),
        rate,
        Machine.Rated.of(Gpu.H100_SXM).name());
    out.println(
        "host GiB | policy        | cached | from host | stored GiB | evicted unread"
            + " | first token, mean");
    for (double gib : hostGib) {
      for (StorePolicy policy : policies) {
        print(out, gib, policy, replay(replayed, gib, policy));
      }
    }
    return 0;
  }

  private void check() {
    CommandLine command = spec.commandLine();
    // One request alone has no rate.
    Checked.between(command, "--requests", requests, 2, Integer.MAX_VALUE);
    Checked.positive(command, "--request-rate", rate);
    hostGib.forEach(gib -> Checked.hostBytes(command, gib));
  }

  private Replay replay(Trace replayed, double gib, StorePolicy policy) {
    EngineOptions options =
        EngineOptions.builder()
            .dummyWeights(true)
            .hostBytes(Checked.hostBytes(spec.commandLine(), gib))
            .storePolicy(policy)
            .build();
    return TraceReplay.run(model, Machine.Rated.of(Gpu.H100_SXM), options, replayed, done -> {});
  }

  private static void print(PrintWriter out, double gib, StorePolicy policy, Replay replay) {
    EngineStats stats = replay.stats();
    KvStats kv = stats.kv();
    double prompts = Math.max(1, stats.promptTokens());
    out.printf(
        Locale.ROOT,
        "%8.0f | %-13s | %5.1f %% | %7.1f %% | %10.1f | %12.1f %% | %12.0f ms%n",
        gib,
        policy.name().toLowerCase(Locale.ROOT).replace('_', '-'),
        100 * stats.cachedPromptTokens() / prompts,
        100 * stats.hostPromptTokens() / prompts,
        kv.stores().bytes() / GIB,
        100.0 * kv.storesWasted() / Math.max(1, kv.stores().blocks()),
        replay.firstTokenMillis().mean());
    out.flush();
  }
}
