package dev.kappa.engine;

import dev.kappa.device.DType;
import dev.kappa.device.Device;
import dev.kappa.device.DeviceOptions;
import dev.kappa.device.Devices;
import dev.kappa.device.JitterDevice;
import dev.kappa.device.Memory;
import dev.kappa.device.ScriptedDevice;
import dev.kappa.engine.EngineEquivalenceTest.Job;
import dev.kappa.engine.EngineEquivalenceTest.Result;
import dev.kappa.kv.KvLayout;
import dev.kappa.kv.KvOptions;
import dev.kappa.kv.RestoreMode;
import dev.kappa.kv.SlidingWindows;
import dev.kappa.kv.StorePolicy;
import dev.kappa.model.AttentionConfig;
import dev.kappa.model.ModelConfig;
import dev.kappa.model.ModelDirectory;
import dev.kappa.sample.SamplingParams;
import dev.kappa.schedule.SchedulePolicy;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;

/**
 * What one seed makes of {@link RandomScheduleTest}: a model, jobs with the output that each has
 * alone, and an engine that is too small for them in as many ways as possible.
 */
final class RandomSchedule {

  private static final int JOBS = 8;
  private static final int FOLLOW_UPS = 4;

  /** The longest that a job of {@link EngineEquivalenceTest#jobs} can become. */
  private static final int LONGEST_FIRST = 60 + 65;

  private static final int LONG_PROMPT = 150;
  private static final int LONGEST_PROMPT = 400;
  private static final int LONG_OUTPUT = 25;
  private static final int FOLLOW_UP_TOKENS = 10;
  private static final int LONGEST_SHORT = LONGEST_FIRST + FOLLOW_UP_TOKENS;
  private static final int LONGEST = LONGEST_PROMPT + LONG_OUTPUT + FOLLOW_UP_TOKENS;

  /** The tile of the CPU device's attention: the least that a context can be streamed in. */
  private static final int TILE = 64;

  private static final long MB = 1_000_000;

  private static final List<String> MODELS =
      List.of(
          "qwen3-tiny",
          "llama-tiny",
          "llama-mha-f16",
          "llama3-rope-tiny",
          "mistral-tiny",
          "qwen2-tiny",
          "gemma3-tiny");

  private static final String[] SALTS = {"", "a", "b"};

  final long seed;
  final Random random;
  final Path model;
  final List<Job> jobs;
  final List<Result> alone;
  final List<String> salts = new ArrayList<>();

  /** The job whose end each waits for before it is submitted; -1 for none. */
  final int[] awaited = new int[JOBS + FOLLOW_UPS];

  final EngineOptions options;
  final double jitter;
  final long jitterNanos;

  /** Streams that dawdle most. */
  final Set<String> stalling;

  /** Every so many copies of these streams one is refused; 0 for none. */
  final int refusedCopy;

  final Set<String> refusing;

  /** Bytes per second between host and device; 0 for all that memory gives. */
  final long linkBandwidth;

  private final boolean streams;
  private final DType kvType;

  RandomSchedule(long seed, AloneEngines engines) {
    this.seed = seed;
    random = new Random(seed);
    model = TestEngine.tinyModel(any(MODELS));
    kvType = random.nextBoolean() ? DType.F32 : DType.BF16;
    streams = random.nextInt(5) < 2;
    jobs = jobs();
    alone = new ArrayList<>(engines.results(model, kvType, jobs));
    for (int i = 0; i < JOBS + FOLLOW_UPS; i++) {
      awaited[i] = -1;
      salts.add(any(List.of(SALTS)));
    }
    for (int i = JOBS; i < JOBS + FOLLOW_UPS; i++) {
      int earlier = random.nextInt(JOBS);
      jobs.add(followUp(jobs.get(earlier), alone.get(earlier)));
      awaited[i] = random.nextBoolean() ? earlier : -1;
      salts.set(i, random.nextInt(4) > 0 ? salts.get(earlier) : salts.get(i));
    }
    alone.addAll(engines.results(model, kvType, jobs.subList(JOBS, jobs.size())));
    options = options();
    jitter = random.nextInt(4) == 0 ? 0 : 0.01 + 0.09 * random.nextDouble();
    jitterNanos = 50_000 + random.nextInt(450_000);
    stalling = any(List.of(Set.of(), Set.of("load"), Set.of("store"), Set.of("load", "store")));
    refusedCopy = random.nextInt(5) > 0 ? 0 : 2 + random.nextInt(20);
    // A streamed context that cannot be stored rightly ends with an error.
    refusing = streams ? Set.of("load") : Set.of("load", "store");
    linkBandwidth = random.nextInt(3) > 0 ? 0 : (streams ? 20 : 2) * (1 + random.nextInt(20)) * MB;
  }

  /** The device that the seed makes, without faults so far. */
  ScriptedDevice device() {
    int threads = 1 + random.nextInt(2);
    Device cpu = Devices.open("cpu", new DeviceOptions(0, threads, linkBandwidth, false)).device();
    return new ScriptedDevice(new JitterDevice(cpu, seed, jitter, jitterNanos, stalling));
  }

  /** Refuses copies as the seed wants it. */
  ScriptedDevice.Script faults() {
    AtomicInteger copies = new AtomicInteger();
    return new ScriptedDevice.Script() {
      @Override
      public void beforeCopy(String stream, Memory target, Memory source) {
        if (refusedCopy > 0
            && refusing.contains(stream)
            && copies.incrementAndGet() % refusedCopy == 0) {
          throw ScriptedDevice.refusal();
        }
      }
    };
  }

  /** Tokens that a job can come to have. */
  int length(int job) {
    return jobs.get(job).prompt().length + jobs.get(job).sampling().maxTokens();
  }

  /** Whether a job exceeds the device. */
  boolean isLong(int job) {
    AttentionConfig attention = config().attention();
    SlidingWindows windows =
        new SlidingWindows(
            layout(options.blockTokens()), TILE, attention.window(), attention.windowed());
    return windows.mostBlocks(length(job), options.maxBatchedTokens()) > options.numBlocks();
  }

  /** Most tokens that a job can find cached, if what others have in common with it is all there. */
  int mostCached(int job) {
    int most = 0;
    for (int other = 0; other < jobs.size(); other++) {
      if (other != job && salts.get(other).equals(salts.get(job))) {
        int[] text = concat(jobs.get(other).prompt(), tokens(alone.get(other)));
        int[] prompt = jobs.get(job).prompt();
        int different = java.util.Arrays.mismatch(prompt, text);
        most = Math.max(most, different < 0 ? prompt.length : different);
      }
    }
    return most;
  }

  @Override
  public String toString() {
    return "seed %d, %s, %s, jitter %.3f up to %d ns, %s stalling, link %d B/s, copy %d refused"
        .formatted(
            seed,
            model.getFileName(),
            options,
            jitter,
            jitterNanos,
            stalling,
            linkBandwidth,
            refusedCopy);
  }

  /** Some with the very prompt of an earlier one, so that all of it may be cached. */
  private List<Job> jobs() {
    List<Job> made = EngineEquivalenceTest.jobs(random, JOBS);
    for (int i = streams ? 1 + random.nextInt(2) : 0; i > 0; i--) {
      made.set(random.nextInt(JOBS), longJob());
    }
    for (int i = 1; i < JOBS; i++) {
      if (random.nextInt(4) == 0) {
        made.set(i, new Job(made.get(random.nextInt(i)).prompt(), made.get(i).sampling()));
      }
    }
    // A prompt that was made longer may leave less room for output.
    made.replaceAll(job -> job.prompt().length < LONG_PROMPT ? job : cut(job));
    return made;
  }

  private Job longJob() {
    int length = LONG_PROMPT + random.nextInt(LONGEST_PROMPT - LONG_PROMPT + 1);
    int[] prompt = TestEngine.randomPrompt(random, length, 256);
    return new Job(prompt, EngineEquivalenceTest.jobs(random, 1).getFirst().sampling());
  }

  private Job cut(Job job) {
    SamplingParams sampling = job.sampling();
    return new Job(
        job.prompt(),
        SamplingParams.builder()
            .temperature(sampling.temperature())
            .topK(sampling.topK())
            .seed(7L)
            .maxTokens(Math.min(sampling.maxTokens(), LONG_OUTPUT))
            .ignoreEos(true)
            .logprobs(sampling.logprobs())
            .promptLogprobs(sampling.promptLogprobs())
            .build());
  }

  /** The conversation goes on: a prompt is an earlier one with its output and maybe more. */
  private Job followUp(Job earlier, Result output) {
    int[] more = TestEngine.randomPrompt(random, random.nextInt(3), 256);
    int[] prompt = concat(concat(earlier.prompt(), tokens(output)), more);
    return new Job(prompt, TestEngine.greedy(1 + random.nextInt(FOLLOW_UP_TOKENS - 2)));
  }

  private EngineOptions options() {
    int blockTokens = streams ? 1 << (1 + random.nextInt(6)) : 1 + random.nextInt(32);
    int least = streams ? TILE : LONGEST_SHORT;
    int poolTokens = least + random.nextInt(least);
    int sequences = 1 + random.nextInt(8);
    return EngineOptions.builder()
        .blockTokens(blockTokens)
        .numBlocks(Math.ceilDiv(poolTokens, blockTokens))
        .maxSequences(sequences)
        .maxBatchedTokens(sequences + random.nextInt(random.nextBoolean() ? 8 : 128))
        .prefixCaching(streams || random.nextInt(10) > 0)
        .kvDType(kvType)
        .hostBytes(hostBytes(blockTokens))
        .storePolicy(any(List.of(StorePolicy.values())))
        .restore(any(List.of(RestoreMode.values())))
        .schedule(any(List.of(SchedulePolicy.values())))
        .layerGroups(random.nextInt(4))
        .loadTimeoutNanos(
            random.nextInt(3) == 0 ? random.nextInt(2_000_000) : KvOptions.LOAD_TIMEOUT_NANOS)
        .checkKv(random.nextInt(4) > 0)
        .build();
  }

  /** Hardly enough for one long context, or for a few prefixes. */
  private long hostBytes(int blockTokens) {
    long blockBytes = layout(blockTokens).blockBytes();
    if (!streams && random.nextInt(8) == 0) {
      return 0;
    }
    int least = streams ? LONGEST : 1;
    int tokens = least + random.nextInt(600);
    return Math.ceilDiv(tokens, blockTokens) * blockBytes;
  }

  private ModelConfig config() {
    return ModelDirectory.open(model).config();
  }

  private KvLayout layout(int blockTokens) {
    ModelConfig config = config();
    return new KvLayout(config.layers(), config.kvHeads(), config.headDim(), blockTokens, kvType);
  }

  private <T> T any(List<T> values) {
    return values.get(random.nextInt(values.size()));
  }

  private static int[] tokens(Result result) {
    return result.tokens().stream().mapToInt(Integer::intValue).toArray();
  }

  private static int[] concat(int[] first, int[] second) {
    return IntStream.concat(IntStream.of(first), IntStream.of(second)).toArray();
  }
}
