package dev.kappa.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kappa.device.Device;
import dev.kappa.device.Devices;
import dev.kappa.kv.KvDistributions;
import dev.kappa.kv.KvStats;
import dev.kappa.kv.RestoreMode;
import dev.kappa.kv.StorePolicy;
import dev.kappa.sample.SamplingParams;
import java.nio.file.Path;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** KV that was pushed out of the device comes back from host memory, to the bit. */
@Timeout(300)
public class OffloadTest {

  private static final Path MODEL = TestEngine.tinyModel("qwen3-tiny");
  private static final int VOCABULARY = 256;
  private static final long HOST = 4L << 20;

  private final Random random = new Random(7);

  /** A fresh device with so many threads. */
  protected Device openDevice(int threads) {
    return Devices.open("cpu", threads).device();
  }

  private static EngineOptions.Builder options(int numBlocks) {
    return EngineOptions.builder()
        .numBlocks(numBlocks)
        .blockTokens(8)
        .maxSequences(4)
        .maxBatchedTokens(64)
        .hostBytes(HOST)
        .layerGroups(3)
        // How much of a prefix is computed instead would depend on how fast everything is.
        .restore(RestoreMode.LOAD)
        .checkKv(true)
        .seed(1);
  }

  private static SamplingParams sampling(int tokens) {
    return SamplingParams.builder()
        .temperature(0)
        .maxTokens(tokens)
        .ignoreEos(true)
        .logprobs(2)
        .build();
  }

  private int[] prompt(int length) {
    return TestEngine.randomPrompt(random, length, VOCABULARY);
  }

  private static EngineEquivalenceTest.Result result(Collected output) {
    return EngineEquivalenceTest.Result.of(output);
  }

  private static KvStats kv(TestEngine engine) {
    return engine.engine().stats().kv();
  }

  @ParameterizedTest
  @EnumSource(StorePolicy.class)
  void aPrefixThatWasPushedOutIsLoaded(StorePolicy policy) {
    try (TestEngine engine =
        new TestEngine(MODEL, options(20).storePolicy(policy).build(), openDevice(2))) {
      int[] prompt = prompt(100);
      var first = result(engine.submit(prompt, sampling(5)));
      var again = result(engine.submit(prompt, sampling(5)));
      assertThat(again).isEqualTo(first);
      engine.awaitIdle();
      for (int i = 0; i < 6; i++) {
        engine.submit(prompt(90), sampling(3)).finish();
        engine.awaitIdle();
      }
      Collected restored = engine.submit(prompt, sampling(5));
      assertThat(result(restored)).isEqualTo(first);
      Finish.Usage usage = restored.finish().usage();
      assertThat(usage.hostTokens()).isGreaterThan(60);
      assertThat(usage.cachedTokens()).isEqualTo(96);
      Finish.Restored load = restored.finish().restored();
      assertThat(load.blocks()).isEqualTo(usage.hostTokens() / 8);
      assertThat(load.bytes()).isEqualTo(load.blocks() * kv(engine).blockBytes());
      assertThat(load.copyNanos()).isPositive();
      engine.awaitIdle();
      KvDistributions distributions = engine.engine().distributions().kv();
      assertThat(distributions.loadBytes().read().sum()).isEqualTo(kv(engine).loads().bytes());
      assertThat(distributions.storeBytes().read().sum()).isEqualTo(kv(engine).stores().bytes());
      assertThat(distributions.lookupSeconds().read().count()).isEqualTo(9);
      assertThat(kv(engine).hostReading() + kv(engine).hostWriting()).isZero();
    }
  }

  @Test
  void aWholeHitInHostMemoryComputesOneToken() {
    try (TestEngine engine = new TestEngine(MODEL, options(20).build(), openDevice(1))) {
      int[] prompt = prompt(96);
      var first = result(engine.submit(prompt, sampling(9)));
      engine.awaitIdle();
      assertThat(engine.engine().clearCache(true, false).join().device()).isPositive();
      Collected restored = engine.submit(prompt, sampling(9));
      assertThat(result(restored)).isEqualTo(first);
      assertThat(restored.finish().usage()).isEqualTo(new Finish.Usage(96, 9, 95, 95));
    }
  }

  @Test
  void nothingIsLoadedWhereThatIsNotWanted() {
    var options = options(20).restore(RestoreMode.RECOMPUTE).build();
    try (TestEngine engine = new TestEngine(MODEL, options, openDevice(1))) {
      int[] prompt = prompt(96);
      var first = result(engine.submit(prompt, sampling(9)));
      engine.awaitIdle();
      engine.engine().clearCache(true, false).join();
      Collected again = engine.submit(prompt, sampling(9));
      assertThat(result(again)).isEqualTo(first);
      assertThat(again.finish().usage().cachedTokens()).isZero();
    }
  }

  /** 20 blocks of 8 tokens hold 160. */
  @ParameterizedTest
  @ValueSource(ints = {8, 16, 20, 64})
  void aContextLongerThanTheDeviceGivesTheBitsOfARoomyOne(int blockTokens) {
    int[] prompt = prompt(400);
    EngineEquivalenceTest.Result expected;
    try (TestEngine roomy =
        new TestEngine(MODEL, options(512).blockTokens(blockTokens).build(), openDevice(2))) {
      expected = result(roomy.submit(prompt, sampling(40)));
    }
    int blocks = 384 / blockTokens;
    var options = options(blocks).blockTokens(blockTokens).build();
    try (TestEngine engine = new TestEngine(MODEL, options, openDevice(2))) {
      assertThat(engine.engine().info().maxModelLength()).isGreaterThanOrEqualTo(440);
      Collected output = engine.submit(prompt, sampling(40));
      Collected beside = engine.submit(prompt(50), sampling(20));
      assertThat(result(output)).isEqualTo(expected);
      assertThat(beside.finish().reason()).isEqualTo(Finish.Reason.LENGTH);
      engine.awaitIdle();
      Collected again = engine.submit(prompt, sampling(40));
      assertThat(result(again)).isEqualTo(expected);
      assertThat(again.finish().usage().hostTokens()).isGreaterThan(300);
      // Each of 40 steps reads what lies before the window.
      long hundredTokens = 100 * kv(engine).blockBytes() / blockTokens;
      assertThat(kv(engine).loads().bytes()).isGreaterThan(40 * hundredTokens);
    }
  }

  /**
   * Windows of 37 and 45 tokens: on a device of 160 tokens, all that is seen of the first model is
   * there, and of the second some layers read the rest from host memory.
   */
  @ParameterizedTest
  @CsvSource({"mistral-tiny,20", "gemma3-tiny,20", "gemma3-tiny,64"})
  void windowsGiveTheBitsOfARoomyDevice(String name, int blocks) {
    Path model = TestEngine.tinyModel(name);
    int[] prompt = TestEngine.randomPrompt(random, 300, 256);
    EngineEquivalenceTest.Result expected;
    try (TestEngine roomy =
        new TestEngine(model, options(64).hostBytes(0).build(), openDevice(2))) {
      expected = result(roomy.submit(prompt, sampling(12)));
    }
    try (TestEngine engine = new TestEngine(model, options(blocks).build(), openDevice(2))) {
      for (int round = 0; round < 3; round++) {
        Collected output = engine.submit(prompt, sampling(12));
        assertThat(result(output)).isEqualTo(expected);
        assertThat(output.finish().usage().hostTokens() > 0).isEqualTo(round > 0);
        engine.awaitIdle();
        engine.engine().clearCache(true, false).join();
      }
    }
  }

  @Test
  void saltsSeparateHostMemoryToo() {
    try (TestEngine engine = new TestEngine(MODEL, options(20).build(), openDevice(1))) {
      int[] prompt = prompt(96);
      engine.submit(prompt, sampling(1)).finish();
      engine.awaitIdle();
      engine.engine().clearCache(true, false).join();
      GenerationRequest other = new GenerationRequest("other", prompt, sampling(1), "tenant");
      assertThat(Collected.submit(engine.engine(), other).finish().usage().cachedTokens()).isZero();
    }
  }
}
