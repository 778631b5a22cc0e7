package dev.kappa.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kappa.device.DType;
import dev.kappa.engine.EngineEquivalenceTest.Job;
import dev.kappa.engine.EngineEquivalenceTest.Result;
import dev.kappa.kv.KvStats;
import dev.kappa.kv.RestoreMode;
import dev.kappa.kv.StorePolicy;
import dev.kappa.model.AttentionConfig;
import dev.kappa.model.Fixtures;
import dev.kappa.model.ModelConfig;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Of sliding windows only what is seen is kept on the device, restored and streamed, counted to the
 * byte; and every request puts out what it does alone, to the bit. Prompts of up to 448 tokens,
 * windows of 23 to 50, tiles of 64.
 */
@Timeout(300)
class SlidingWindowTest {

  private static final int BLOCK_TOKENS = 16;
  private static final int TILE = 64;
  private static final int STEP = 64;
  private static final int OUTPUT = 8;

  private static AloneEngines aloneEngines;

  @BeforeAll
  static void open() {
    aloneEngines = new AloneEngines();
  }

  @AfterAll
  static void close() {
    aloneEngines.close();
  }

  private static EngineOptions.Builder options(int blocks) {
    return EngineOptions.builder()
        .numBlocks(blocks)
        .blockTokens(BLOCK_TOKENS)
        .maxSequences(8)
        .maxBatchedTokens(STEP)
        .kvDType(DType.F32)
        .hostBytes(16L << 20)
        .storePolicy(StorePolicy.WRITE_THROUGH)
        .restore(RestoreMode.LOAD)
        .layerGroups(2)
        .checkKv(true);
  }

  private static Job job(int seed, int length) {
    Random random = new Random(seed);
    int[] prompt = TestEngine.randomPrompt(random, length, 256);
    return new Job(prompt, TestEngine.greedy(OUTPUT));
  }

  private static Result alone(String model, Job job) {
    return aloneEngines.results(TestEngine.tinyModel(model), DType.F32, List.of(job)).getFirst();
  }

  private static TestEngine start(String model, EngineOptions.Builder options) {
    return new TestEngine(TestEngine.tinyModel(model), options.build(), 2);
  }

  private static Finish check(TestEngine engine, String model, Job job) {
    Collected output = engine.submit(job.prompt(), job.sampling());
    assertThat(Result.of(output)).isEqualTo(alone(model, job));
    engine.awaitIdle();
    return output.finish();
  }

  private static KvStats kv(TestEngine engine) {
    engine.awaitIdle();
    return engine.engine().stats().kv();
  }

  private static void forgetDevice(TestEngine engine) {
    engine.awaitIdle();
    engine.engine().clearCache(true, false).join();
  }

  /** The first token of the tile in which a window begins. */
  private static int firstSeen(String model, int position) {
    int window = Fixtures.open(model).config().attention().window();
    return Math.max(0, position - window + 1) / TILE * TILE;
  }

  private static long layerBytes(ModelConfig config, int tokens) {
    return 2L * config.kvHeads() * config.headDim() * Float.BYTES * tokens;
  }

  /** A prompt of 27 blocks on a device of 14, on which it would be streamed without windows. */
  @ParameterizedTest
  @ValueSource(strings = {"mistral-tiny", "phi3-tiny", "mixtral-tiny"})
  void holdsNoMoreThanItSees(String model) {
    Job job = job(1, 432);
    try (TestEngine engine = start(model, options(14))) {
      assertThat(check(engine, model, job).usage().cachedTokens()).isZero();
      assertThat(kv(engine).loads().bytes()).isZero();
      forgetDevice(engine);
      Finish restored = check(engine, model, job);
      int resume = 431;
      // Its last block is computed in part, which needs what the block's first token sees.
      int first = firstSeen(model, 416);
      assertThat(restored.usage().cachedTokens()).isEqualTo(resume);
      assertThat(restored.usage().hostTokens()).isEqualTo(432 - first);
      ModelConfig config = Fixtures.open(model).config();
      assertThat(kv(engine).loads().bytes())
          .isEqualTo(config.layers() * layerBytes(config, 432 - first));
    }
  }

  /** What host memory still has of the end is enough, whatever became of the beginning. */
  @Test
  void findsTheEndOfAPrefix() {
    String model = "mistral-tiny";
    Job job = job(2, 400);
    ModelConfig config = Fixtures.open(model).config();
    long blockBytes = config.layers() * layerBytes(config, BLOCK_TOKENS);
    try (TestEngine engine = start(model, options(14).hostBytes(20 * blockBytes))) {
      check(engine, model, job);
      forgetDevice(engine);
      Finish restored = check(engine, model, job);
      assertThat(restored.usage().cachedTokens()).isEqualTo(400 - 1);
      assertThat(restored.usage().hostTokens()).isEqualTo(400 - firstSeen(model, 384));
    }
  }

  /** Layers that see everything load everything, the others what they see. */
  @ParameterizedTest
  @ValueSource(strings = {"gemma2-tiny", "gemma3-tiny", "qwen2-tiny"})
  void loadsOfEachLayerWhatItSees(String model) {
    Job whole = job(3, 440);
    ModelConfig config = Fixtures.open(model).config();
    AttentionConfig attention = config.attention();
    int windowed = attention.windowed().size();
    try (TestEngine engine = start(model, options(40))) {
      check(engine, model, whole);
      forgetDevice(engine);
      Finish restored = check(engine, model, whole);
      assertThat(restored.usage().hostTokens()).isEqualTo(432);
      long bytes =
          (config.layers() - windowed) * layerBytes(config, 432)
              + windowed * layerBytes(config, 432 - firstSeen(model, 432));
      assertThat(kv(engine).loads().bytes()).isEqualTo(bytes);

      // The next turn finds all that it sees on the device.
      Job longer = new Job(concat(whole.prompt(), 10), whole.sampling());
      assertThat(check(engine, model, longer).usage().hostTokens()).isZero();
      assertThat(kv(engine).loads().bytes()).isEqualTo(bytes);

      // A shorter prefix sees what was not loaded: it gets blocks of its own.
      Job shorter = new Job(Arrays.copyOf(whole.prompt(), 250), whole.sampling());
      int seen = firstSeen(model, 240);
      assertThat(check(engine, model, shorter).usage().hostTokens()).isEqualTo(240 - seen);
      assertThat(kv(engine).loads().bytes())
          .isEqualTo(bytes + config.layers() * layerBytes(config, 240 - seen));

      // These are whole, and serve another one of the kind.
      assertThat(check(engine, model, shorter).usage().hostTokens()).isZero();
      assertThat(check(engine, model, whole).usage().hostTokens()).isZero();
    }
  }

  private static int[] concat(int[] tokens, int more) {
    int[] all = Arrays.copyOf(tokens, tokens.length + more);
    Arrays.fill(all, tokens.length, all.length, 7);
    return all;
  }

  /** Reads nothing of a layer that it does not see, step for step. */
  @ParameterizedTest
  @ValueSource(strings = {"gemma2-tiny", "gemma3-tiny", "qwen2-tiny", "llama-tiny"})
  void streamsOfEachLayerWhatItSees(String model) {
    Job job = job(4, 440);
    ModelConfig config = Fixtures.open(model).config();
    AttentionConfig attention = config.attention();
    int windowed = attention.windowed().size();
    try (TestEngine engine = start(model, options(16))) {
      check(engine, model, job);
      long before = kv(engine).loads().bytes();
      Finish again = check(engine, model, job);
      assertThat(again.usage().hostTokens()).isEqualTo(384);
      long read = kv(engine).loads().bytes() - before;
      // All that lies in host memory, once for every step, of layers that see it.
      long perStep = (config.layers() - windowed) * layerBytes(config, 384);
      assertThat(read).isGreaterThanOrEqualTo(OUTPUT * perStep);
      assertThat(read)
          .isLessThanOrEqualTo((OUTPUT + 1) * (perStep + windowed * layerBytes(config, 2 * TILE)));
    }
  }

  /** Sixteen that together hold far more than there is, with the same prefix and without. */
  @ParameterizedTest
  @EnumSource(RestoreMode.class)
  void nobodyStarves(RestoreMode restore) {
    String model = "mistral-tiny";
    List<Job> jobs = new ArrayList<>();
    for (int i = 0; i < 8; i++) {
      Job job = job(20 + i / 4, 300 + 16 * i);
      jobs.add(job);
      jobs.add(new Job(concat(job.prompt(), i), TestEngine.greedy(40)));
    }
    try (TestEngine engine = start(model, options(16).restore(restore))) {
      for (int round = 0; round < 2; round++) {
        List<Collected> running = new ArrayList<>();
        jobs.forEach(job -> running.add(engine.submit(job.prompt(), job.sampling())));
        for (int i = 0; i < jobs.size(); i++) {
          assertThat(Result.of(running.get(i)))
              .as("job %d", i)
              .isEqualTo(alone(model, jobs.get(i)));
        }
        forgetDevice(engine);
      }
    }
  }
}
