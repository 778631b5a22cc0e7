package dev.kappa.engine;

import dev.kappa.device.DType;
import dev.kappa.kv.KvOptions;
import dev.kappa.kv.RestoreMode;
import dev.kappa.kv.StorePolicy;
import dev.kappa.schedule.SchedulePolicy;
import org.jspecify.annotations.Nullable;

/**
 * How an engine runs. A value of 0 (or null) means: chosen by the engine.
 *
 * @param maxModelLength longest sequence in tokens, prompt and output together
 * @param blockTokens tokens in a KV block
 * @param numBlocks KV blocks on the device
 * @param memoryUtilization share of the device memory that is free next to weights and activations
 *     which KV blocks take, where their number is not given
 * @param maxSequences most sequences in one step
 * @param maxBatchedTokens most new tokens in one step
 * @param kvDType storage type of keys and values
 * @param dummyWeights whether seeded random weights take the place of the checkpoint
 * @param prefixCaching whether blocks of earlier requests are reused
 * @param warmUp whether steps are run on made-up tokens before the first request, so that it is not
 *     held up by just-in-time compilation
 * @param hostBytes most bytes of host memory for KV blocks; 0 for none, {@link #AUTO_HOST} for a
 *     share of what is free
 * @param storePolicy when blocks are copied to host memory
 * @param restore what becomes of prefixes in host memory
 * @param schedule in which order waiting requests are admitted
 * @param layerGroups groups of layers in which a prefix is loaded; 0 lets its size decide
 * @param loadTimeoutNanos how much later than predicted a load may be before its tokens are
 *     computed instead
 * @param checkKv whether freed blocks are poisoned, and blocks checked whenever they are loaded;
 *     slow, for tests and for finding faults
 * @param seed seed of dummy weights and of requests that bring none
 */
public record EngineOptions(
    int maxModelLength,
    int blockTokens,
    int numBlocks,
    double memoryUtilization,
    int maxSequences,
    int maxBatchedTokens,
    @Nullable DType kvDType,
    boolean dummyWeights,
    boolean prefixCaching,
    boolean warmUp,
    long hostBytes,
    StorePolicy storePolicy,
    RestoreMode restore,
    SchedulePolicy schedule,
    int layerGroups,
    long loadTimeoutNanos,
    boolean checkKv,
    long seed) {

  /** Host memory for KV blocks: a share of what is free. */
  public static final long AUTO_HOST = -1;

  /** Everything chosen by the engine. */
  public static EngineOptions defaults() {
    return builder().build();
  }

  /** Everything chosen by the engine, prefix caching on, no KV in host memory. */
  public static Builder builder() {
    return new Builder();
  }

  /** Describes options one by one. Not thread-safe. */
  public static final class Builder {
    private int maxModelLength;
    private int blockTokens;
    private int numBlocks;
    private double memoryUtilization;
    private int maxSequences;
    private int maxBatchedTokens;
    private @Nullable DType kvDType;
    private boolean dummyWeights;
    private boolean prefixCaching = true;
    private boolean warmUp;
    private long hostBytes;
    private StorePolicy storePolicy = StorePolicy.ADAPTIVE;
    private RestoreMode restore = RestoreMode.AUTO;
    private SchedulePolicy schedule = SchedulePolicy.KAPPA;
    private int layerGroups;
    private long loadTimeoutNanos = KvOptions.LOAD_TIMEOUT_NANOS;
    private boolean checkKv;
    private long seed;

    private Builder() {}

    public Builder maxModelLength(int value) {
      maxModelLength = value;
      return this;
    }

    public Builder blockTokens(int value) {
      blockTokens = value;
      return this;
    }

    public Builder numBlocks(int value) {
      numBlocks = value;
      return this;
    }

    public Builder memoryUtilization(double value) {
      memoryUtilization = value;
      return this;
    }

    public Builder maxSequences(int value) {
      maxSequences = value;
      return this;
    }

    public Builder maxBatchedTokens(int value) {
      maxBatchedTokens = value;
      return this;
    }

    public Builder kvDType(@Nullable DType value) {
      kvDType = value;
      return this;
    }

    public Builder dummyWeights(boolean value) {
      dummyWeights = value;
      return this;
    }

    public Builder prefixCaching(boolean value) {
      prefixCaching = value;
      return this;
    }

    public Builder warmUp(boolean value) {
      warmUp = value;
      return this;
    }

    public Builder hostBytes(long value) {
      hostBytes = value;
      return this;
    }

    public Builder storePolicy(StorePolicy value) {
      storePolicy = value;
      return this;
    }

    public Builder restore(RestoreMode value) {
      restore = value;
      return this;
    }

    public Builder schedule(SchedulePolicy value) {
      schedule = value;
      return this;
    }

    public Builder layerGroups(int value) {
      layerGroups = value;
      return this;
    }

    public Builder loadTimeoutNanos(long value) {
      loadTimeoutNanos = value;
      return this;
    }

    public Builder checkKv(boolean value) {
      checkKv = value;
      return this;
    }

    public Builder seed(long value) {
      seed = value;
      return this;
    }

    /** What was described, the rest as {@link #builder} says. */
    public EngineOptions build() {
      return new EngineOptions(
          maxModelLength,
          blockTokens,
          numBlocks,
          memoryUtilization,
          maxSequences,
          maxBatchedTokens,
          kvDType,
          dummyWeights,
          prefixCaching,
          warmUp,
          hostBytes,
          storePolicy,
          restore,
          schedule,
          layerGroups,
          loadTimeoutNanos,
          checkKv,
          seed);
    }
  }
}
