package dev.kappa.engine;

import dev.kappa.device.DType;
import dev.kappa.device.Device;
import dev.kappa.kv.KvLayout;
import dev.kappa.kv.KvOptions;
import dev.kappa.kv.LongContexts;
import dev.kappa.kv.SlidingWindows;
import dev.kappa.kv.StreamedKv;
import dev.kappa.model.ModelConfig;
import dev.kappa.model.Transformer;
import dev.kappa.model.WeightSizes;
import dev.kappa.schedule.LongSequence;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import org.jspecify.annotations.Nullable;

/**
 * Chooses what the options leave open: lengths, batch limits and the number of KV blocks.
 *
 * <p>A pool that was asked for in blocks is taken as it is, and the context is cut to what fits it;
 * otherwise the pool takes a share of the memory that is free next to weights and activations.
 */
final class EngineSizing {

  private static final Logger LOG = System.getLogger(EngineSizing.class.getName());

  private static final int DEFAULT_SEQUENCES = 64;
  private static final int DEFAULT_BATCHED_TOKENS = 2048;

  /** On a CPU a large chunk holds up all decodes for long and computes no faster. */
  private static final int DEFAULT_BATCHED_TOKENS_CPU = 512;

  private static final double KV_SHARE_OF_FREE = 0.9;

  /** A CPU device shares its memory with everything else on the machine. */
  private static final double KV_SHARE_OF_FREE_CPU = 0.4;

  /**
   * Of the memory that is free before anything is loaded; weights and other programs need theirs.
   */
  private static final double HOST_SHARE_OF_FREE = 0.25;

  private final ModelConfig config;
  private final WeightSizes weights;
  private final EngineOptions options;
  private final Device device;
  private final KvLayout layout;
  private final SlidingWindows windows;
  private final int maxSequences;
  private final int maxBatchedTokens;
  private final int numBlocks;
  private final int maxModelLength;
  private final long hostBytes;

  /**
   * @param weights sizes of those that are loaded
   * @throws EngineException if the options contradict the model or the device's memory
   */
  EngineSizing(ModelConfig config, WeightSizes weights, EngineOptions options, Device device) {
    this.config = config;
    this.weights = weights;
    this.options = options;
    this.device = device;
    if (options.maxModelLength() > config.longestPositions()) {
      throw invalid(
          "max_model_len",
          "max_model_len %d exceeds the %d positions that the model was made for"
              .formatted(options.maxModelLength(), config.longestPositions()));
    }
    layout = chooseLayout();
    windows =
        new SlidingWindows(
            layout,
            device.kernels().attentionTile(),
            config.attention().window(),
            config.attention().windowed());
    int mostSequences = given(options.maxBatchedTokens(), DEFAULT_SEQUENCES);
    maxSequences = given(options.maxSequences(), Math.min(DEFAULT_SEQUENCES, mostSequences));
    boolean cpu = device.info().kind().equals("cpu");
    int batched = cpu ? DEFAULT_BATCHED_TOKENS_CPU : DEFAULT_BATCHED_TOKENS;
    maxBatchedTokens = given(options.maxBatchedTokens(), Math.max(batched, maxSequences));
    if (maxBatchedTokens < maxSequences) {
      throw invalid(
          "max_num_batched_tokens",
          "max_num_batched_tokens %d is less than max_num_seqs %d"
              .formatted(maxBatchedTokens, maxSequences));
    }
    hostBytes = chooseHostBytes();
    numBlocks = options.numBlocks() > 0 ? options.numBlocks() : blocksThatFit(cpu);
    maxModelLength = chooseMaxModelLength();
  }

  KvLayout layout() {
    return layout;
  }

  SlidingWindows windows() {
    return windows;
  }

  /** Whether the longest sequence holds more blocks at a time than there are on the device. */
  boolean exceedsDevice() {
    return windows.mostBlocks(maxModelLength, maxBatchedTokens) > numBlocks;
  }

  int maxBatchedTokens() {
    return maxBatchedTokens;
  }

  int maxModelLength() {
    return maxModelLength;
  }

  /** Bytes of all tensors in the checkpoint. */
  long checkpointBytes() {
    return weights.bytes();
  }

  /** Bytes of all weights on the device. */
  long weightBytes() {
    return weights.bytes(device::keeps);
  }

  EngineInfo info() {
    return new EngineInfo(
        config,
        device.info(),
        maxModelLength,
        layout.blockTokens(),
        numBlocks,
        maxSequences,
        maxBatchedTokens,
        layout.dtype(),
        layout.bytesPerToken(),
        hostBytes);
  }

  KvOptions kvOptions() {
    return new KvOptions(
        options.prefixCaching(),
        hostBytes,
        options.storePolicy(),
        options.restore(),
        options.layerGroups(),
        options.loadTimeoutNanos(),
        options.checkKv());
  }

  private KvLayout chooseLayout() {
    DType dtype = options.kvDType() == null ? config.dtype() : options.kvDType();
    KvLayout oneToken = new KvLayout(config.layers(), config.kvHeads(), config.headDim(), 1, dtype);
    int blockTokens =
        given(options.blockTokens(), KvLayout.defaultBlockTokens(oneToken.bytesPerToken()));
    return new KvLayout(config.layers(), config.kvHeads(), config.headDim(), blockTokens, dtype);
  }

  /** No more than all sequences could ever use, and no more than a share of what is free. */
  private int blocksThatFit(boolean cpu) {
    int longest = given(options.maxModelLength(), config.maxPositions());
    long most = windows.mostBlocks(longest, maxBatchedTokens);
    long useful = maxSequences * most;
    long needed = weightBytes() + Transformer.activationBytes(config, device, maxBatchedTokens);
    long free = device.freeBytes() - needed;
    double share = cpu ? KV_SHARE_OF_FREE_CPU : KV_SHARE_OF_FREE;
    if (options.memoryUtilization() > 0) {
      share = options.memoryUtilization();
    }
    long fitting = (long) (Math.max(0, free) * share) / layout.blockBytes();
    if (hostBytes > 0 && most > fitting) {
      free -= longContextBytes();
      fitting = (long) (Math.max(0, free) * share) / layout.blockBytes();
    }
    if (fitting < 2) {
      throw invalid(
          null,
          "the model needs %d MiB and leaves no room for KV: %s has %d MiB free"
              .formatted(needed >> 20, device.info().name(), device.freeBytes() >> 20));
    }
    return (int) Math.min(Math.min(useful, fitting), Integer.MAX_VALUE);
  }

  /** What steps of a sequence that exceeds the device take besides KV blocks, at most. */
  private long longContextBytes() {
    int rows = LongSequence.maxChunk(maxBatchedTokens);
    return Transformer.activationBytes(config, device, rows)
        + device.kernels().attentionStateBytes(config.attention().shape(0), rows)
        + StreamedKv.MAX_BYTES
        + StepRunner.logitBytes(config.vocabularySize());
  }

  private int chooseMaxModelLength() {
    long capacity = Math.max((long) numBlocks * layout.blockTokens(), longCapacity());
    int wanted = given(options.maxModelLength(), config.maxPositions());
    if (wanted <= capacity || windows.mostBlocks(wanted, maxBatchedTokens) <= numBlocks) {
      return wanted;
    }
    if (options.maxModelLength() > 0) {
      throw invalid(
          "max_model_len",
          "max_model_len %d does not fit into %d KV blocks of %d tokens, nor into %d MiB of host memory"
              .formatted(wanted, numBlocks, layout.blockTokens(), hostBytes >> 20));
    }
    LOG.log(
        Level.INFO,
        "the context is cut from {0} to {1} tokens, which is what {2} KV blocks hold",
        Integer.toString(wanted),
        Long.toString(capacity),
        Integer.toString(numBlocks));
    return (int) capacity;
  }

  /** Tokens of the longest sequence that host memory holds, where the device can stream one. */
  private long longCapacity() {
    int unit = LongContexts.unit(layout.blockTokens(), device.kernels().attentionTile());
    boolean streams = layout.blocksFor(unit) <= numBlocks;
    return streams ? hostBytes / layout.blockBytes() * layout.blockTokens() : 0;
  }

  /** Whole blocks within what was asked for, or within a share of what is free. */
  private long chooseHostBytes() {
    if (!options.prefixCaching()) {
      return 0;
    }
    long wanted = options.hostBytes();
    if (wanted == EngineOptions.AUTO_HOST) {
      wanted = (long) (device.freeHostBytes() * HOST_SHARE_OF_FREE);
    }
    return wanted / layout.blockBytes() * layout.blockBytes();
  }

  private static int given(int value, int otherwise) {
    return value > 0 ? value : otherwise;
  }

  private static EngineException invalid(@Nullable String parameter, String message) {
    return new EngineException(EngineException.Kind.INVALID_REQUEST, parameter, message);
  }
}
