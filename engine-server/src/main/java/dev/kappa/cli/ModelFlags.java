package dev.kappa.cli;

import dev.kappa.device.DType;
import dev.kappa.engine.EngineOptions;
import dev.kappa.kv.RestoreMode;
import dev.kappa.kv.StorePolicy;
import dev.kappa.schedule.SchedulePolicy;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import picocli.CommandLine.Spec.Target;

/** The flags that say which model runs where and how; named as vLLM's. */
final class ModelFlags {

  enum KvCacheType {
    auto(null),
    f32(DType.F32),
    bf16(DType.BF16),
    fp16(DType.F16);

    private final @Nullable DType dtype;

    KvCacheType(@Nullable DType dtype) {
      this.dtype = dtype;
    }
  }

  enum LoadFormatFlag {
    auto,
    dummy
  }

  @SuppressWarnings("NullAway.Init") // set by picocli
  @Spec(Target.MIXEE)
  private CommandSpec spec;

  @Parameters(paramLabel = "MODEL", description = "Directory of the model, or a GGUF file.")
  private Path model = Path.of("");

  @Mixin private DeviceFlags device = new DeviceFlags();

  @Option(
      names = "--max-model-len",
      paramLabel = "TOKENS",
      description = "Longest sequence, prompt and output together (default: 0, the model's own).")
  private int maxModelLength;

  @Option(
      names = "--block-size",
      paramLabel = "TOKENS",
      description = "Tokens in a KV block (default: 0, chosen by the block's bytes).")
  private int blockSize;

  @Option(
      names = "--num-gpu-blocks-override",
      paramLabel = "BLOCKS",
      description = "KV blocks on the device (default: 0, what fits).")
  private int numBlocks;

  @Option(
      names = "--gpu-memory-utilization",
      paramLabel = "SHARE",
      description =
          "Share of the device memory left by weights and activations that KV blocks take, above 0"
              + " and at most 1 (default: 0.9 on a GPU).")
  private @Nullable Double memoryUtilization;

  @Option(
      names = "--max-num-seqs",
      paramLabel = "COUNT",
      description = "Most sequences in one step (default: 0, chosen by the device).")
  private int maxSequences;

  @Option(
      names = "--max-num-batched-tokens",
      paramLabel = "TOKENS",
      description = "Most new tokens in one step (default: 0, chosen by the device).")
  private int maxBatchedTokens;

  @Option(
      names = "--kv-cache-dtype",
      paramLabel = "TYPE",
      defaultValue = "auto",
      description = "Type of keys and values: ${COMPLETION-CANDIDATES} (default: auto).")
  private KvCacheType kvCacheType = KvCacheType.auto;

  @Option(
      names = "--kv-offloading-size",
      paramLabel = "GIB",
      description =
          "Host memory for KV blocks; 0 for none (default: a share of what is free; none to complete"
              + " a single prompt).")
  private @Nullable Double hostGib;

  @Option(
      names = "--kv-store-policy",
      paramLabel = "POLICY",
      defaultValue = "adaptive",
      completionCandidates = Words.StorePolicies.class,
      converter = Words.StorePolicies.class,
      description =
          "When blocks are copied to host memory: write-through (when computed), frequency (when"
              + " computed, and asked for more often than what would have to go), adaptive (the"
              + " better of these two, and hardly ever while nothing stored is read), selective"
              + " (when used again) or write-back (when evicted) (default: adaptive).")
  private StorePolicy storePolicy = StorePolicy.ADAPTIVE;

  @Option(
      names = "--restore",
      paramLabel = "MODE",
      defaultValue = "auto",
      completionCandidates = Words.RestoreModes.class,
      converter = Words.RestoreModes.class,
      description =
          "What becomes of a prefix in host memory: load (computing while it comes), load-whole"
              + " (computing afterwards), recompute, or auto (loaded or computed, or its end loaded"
              + " while its beginning is computed, whatever is fastest) (default: auto).")
  private RestoreMode restore = RestoreMode.AUTO;

  @Option(
      names = "--schedule",
      paramLabel = "POLICY",
      defaultValue = "kappa",
      completionCandidates = Words.SchedulePolicies.class,
      converter = Words.SchedulePolicies.class,
      description =
          "Which waiting request is next: kappa (so that the link and the device both have work) or"
              + " fcfs (first come, first served) (default: kappa).")
  private SchedulePolicy schedule = SchedulePolicy.KAPPA;

  @Option(
      names = "--check-kv",
      description = "Check KV blocks whenever they are loaded; slow, to find faults.")
  private boolean checkKv;

  @Option(
      names = "--trace-out",
      paramLabel = "FILE",
      description =
          "Writes steps, their layers, copies, waits and requests to a file that ui.perfetto.dev and"
              + " chrome://tracing show.")
  private @Nullable Path traceOut;

  @Option(
      names = "--load-format",
      paramLabel = "FORMAT",
      defaultValue = "auto",
      description =
          "auto reads the checkpoint; dummy takes random weights, to measure without one.")
  private LoadFormatFlag loadFormat = LoadFormatFlag.auto;

  @Option(
      names = "--no-enable-prefix-caching",
      description = "Compute every prompt anew instead of reusing KV blocks of earlier ones.")
  private boolean noPrefixCaching;

  @Option(
      names = "--seed",
      paramLabel = "N",
      defaultValue = "0",
      description = "Seed of requests that bring none, and of dummy weights (default: 0).")
  private long seed;

  Path model() {
    return model;
  }

  DeviceFlags device() {
    return device;
  }

  /** Where to write a trace; null for none. */
  @Nullable Path traceOut() {
    return traceOut;
  }

  /**
   * Checks what only the values can tell.
   *
   * @param defaultHostBytes host memory for KV blocks where no flag says how much, as in {@link
   *     EngineOptions#hostBytes}
   */
  EngineOptions.Builder engineOptions(long defaultHostBytes) {
    CommandLine command = spec.commandLine();
    Checked.between(command, "--max-model-len", maxModelLength, 0, Integer.MAX_VALUE);
    Checked.between(command, "--block-size", blockSize, 0, 1024);
    Checked.between(command, "--num-gpu-blocks-override", numBlocks, 0, Integer.MAX_VALUE);
    Checked.between(command, "--max-num-seqs", maxSequences, 0, Integer.MAX_VALUE);
    Checked.between(command, "--max-num-batched-tokens", maxBatchedTokens, 0, Integer.MAX_VALUE);
    Checked.between(command, "--threads", device.threads(), 0, 4096);
    return EngineOptions.builder()
        .maxModelLength(maxModelLength)
        .blockTokens(blockSize)
        .numBlocks(numBlocks)
        .memoryUtilization(memoryUtilization())
        .maxSequences(maxSequences)
        .maxBatchedTokens(maxBatchedTokens)
        .kvDType(kvCacheType.dtype)
        .dummyWeights(loadFormat == LoadFormatFlag.dummy)
        .prefixCaching(!noPrefixCaching)
        .hostBytes(hostBytes(defaultHostBytes))
        .storePolicy(storePolicy)
        .restore(restore)
        .schedule(schedule)
        .checkKv(checkKv)
        .seed(seed);
  }

  private double memoryUtilization() {
    Double share = memoryUtilization;
    return share == null ? 0 : Checked.share(spec.commandLine(), "--gpu-memory-utilization", share);
  }

  private long hostBytes(long otherwise) {
    Double gib = hostGib;
    return gib == null ? otherwise : Checked.hostBytes(spec.commandLine(), gib);
  }
}
