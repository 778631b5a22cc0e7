package dev.kappa.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kappa.device.Device;
import dev.kappa.device.DeviceException;
import dev.kappa.device.HostMemory;
import dev.kappa.device.Memory;
import dev.kappa.device.ScriptedDevice;
import dev.kappa.engine.EngineEquivalenceTest.Result;
import dev.kappa.kv.RestoreMode;
import dev.kappa.sample.SamplingParams;
import dev.kappa.text.NumericTokenizer;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Whatever goes wrong between device and host memory: a request puts out what it does alone or
 * hears of a clear error, others go on, and nothing leaks.
 */
@Timeout(300)
class OffloadFaultTest {

  private static final Path MODEL = TestEngine.tinyModel("qwen3-tiny");
  private static final int BLOCK_TOKENS = 8;
  private static final int BLOCKS = 20;
  private static final long HOST = 4L << 20;

  /** Of a context that exceeds the device's 160 tokens. */
  private static final int LONG = 400;

  private final ScriptedDevice device = ScriptedDevice.cpu(1);
  private final Random random = new Random(7);

  private static EngineOptions.Builder options() {
    return EngineOptions.builder()
        .numBlocks(BLOCKS)
        .blockTokens(BLOCK_TOKENS)
        .maxSequences(4)
        .maxBatchedTokens(64)
        .hostBytes(HOST)
        .layerGroups(3)
        // How much of a prefix is computed instead would depend on how fast everything is.
        .restore(RestoreMode.LOAD)
        .checkKv(true)
        .seed(1);
  }

  /** No step waits for a load: none would ever end where copies stand still. */
  private static EngineOptions.Builder waiting() {
    return options().restore(RestoreMode.LOAD_WHOLE);
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
    return TestEngine.randomPrompt(random, length, 256);
  }

  private TestEngine start(EngineOptions options) {
    return new TestEngine(MODEL, options, device);
  }

  /** Computes a prompt, and leaves its KV in host memory alone. */
  private static Result storedOnly(TestEngine engine, int[] prompt, int tokens) {
    Result result = Result.of(engine.submit(prompt, sampling(tokens)));
    engine.awaitIdle();
    engine.engine().clearCache(true, false).join();
    return result;
  }

  /** What a prompt gives where nothing is offloaded. */
  private static Result alone(int[] prompt, int tokens) {
    EngineOptions roomy = EngineOptions.builder().numBlocks(64).blockTokens(8).build();
    try (TestEngine engine = new TestEngine(MODEL, roomy, 1)) {
      return Result.of(engine.submit(prompt, sampling(tokens)));
    }
  }

  /** Refuses every so many copies on a stream. */
  private static ScriptedDevice.Script refusing(String stream, int every) {
    AtomicInteger copies = new AtomicInteger();
    return new ScriptedDevice.Script() {
      @Override
      public void beforeCopy(String on, Memory target, Memory source) {
        if (on.equals(stream) && copies.incrementAndGet() % every == 0) {
          throw ScriptedDevice.refusal();
        }
      }
    };
  }

  /** Waits, for as long as the test may take. */
  private static void await(BooleanSupplier condition) {
    while (!condition.getAsBoolean()) {
      Thread.onSpinWait();
    }
  }

  /** Stops the first copy on a stream that the script sees until it is let go. */
  private static final class Halt implements ScriptedDevice.Script, AutoCloseable {
    private final String stream;
    private final CountDownLatch reached = new CountDownLatch(1);
    private final CountDownLatch go = new CountDownLatch(1);
    private final AtomicInteger copies = new AtomicInteger();

    Halt(String stream) {
      this.stream = stream;
    }

    @Override
    public void beforeCopy(String on, Memory target, Memory source) {
      if (on.equals(stream)) {
        copies.incrementAndGet();
        reached.countDown();
        TestEngine.await(go);
      }
    }

    /** Closed before an engine, which would wait for ever. */
    @Override
    public void close() {
      go.countDown();
    }
  }

  /** Several that preempt one another: none would, if blocks counted as on their way back. */
  private void assertStillPreempts(TestEngine engine) {
    long before = engine.engine().stats().preemptions();
    List<Collected> running = new ArrayList<>();
    engine.atOnce(() -> {
      for (int i = 0; i < 4; i++) {
        running.add(engine.submit(prompt(35), sampling(60)));
      }
    });
    running.forEach(output -> assertThat(output.tokens()).hasSize(60));
    assertThat(engine.engine().stats().preemptions()).isGreaterThan(before);
  }

  @ParameterizedTest
  @CsvSource({"LOAD,1", "LOAD,2", "LOAD,3", "LOAD_WHOLE,1", "LOAD_WHOLE,2", "LOAD_WHOLE,3"})
  void aRefusedLoadIsComputedInstead(RestoreMode restore, int every) {
    try (TestEngine engine = start(options().restore(restore).build())) {
      int[] prompt = prompt(100);
      Result expected = storedOnly(engine, prompt, 5);
      for (int round = 0; round < 5; round++) {
        device.follow(refusing("load", every));
        Collected again = engine.submit(prompt, sampling(5));
        assertThat(Result.of(again)).isEqualTo(expected);
        assertThat(again.finish().usage().hostTokens()).isZero();
        device.follow(refusing("none", 1));
        assertStillPreempts(engine);
        engine.awaitIdle();
        engine.engine().clearCache(true, false).join();
      }
      EngineStats stats = engine.engine().stats();
      assertThat(stats.kv().loads().failed()).isEqualTo(5);
      assertThat(stats.hostPromptTokens()).isZero();
      assertThat(stats.failed()).isFalse();
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2})
  void aRefusedStoreLosesNothingButTheCopy(int every) {
    try (TestEngine engine = start(options().build())) {
      int[] prompt = prompt(100);
      device.follow(refusing("store", every));
      Result expected = storedOnly(engine, prompt, 5);
      assertThat(Result.of(engine.submit(prompt, sampling(5)))).isEqualTo(expected);
      assertThat(engine.engine().stats().kv().stores().failed()).isPositive();
      device.follow(refusing("none", 1));
      assertThat(storedOnly(engine, prompt, 5)).isEqualTo(expected);
      Collected restored = engine.submit(prompt, sampling(5));
      assertThat(Result.of(restored)).isEqualTo(expected);
      assertThat(restored.finish().usage().hostTokens()).isEqualTo(96);
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void aStreamedContextThatCannotBeStoredEndsAlone(boolean busy) {
    int[] small = prompt(40);
    int[] large = prompt(140);
    try (TestEngine engine = start(options().build())) {
      device.follow(refusing("store", 1));
      Collected streamed = engine.submit(prompt(LONG), sampling(5));
      Collected beside = engine.submit(small, sampling(busy ? 20 : 1));
      // More than the other's window leaves: it can only go on when that is given back.
      Collected behind = engine.submit(large, sampling(9));
      assertThatThrownBy(streamed::finish)
          .isInstanceOf(EngineException.class)
          .hasMessageContaining("host memory");
      assertThat(Result.of(beside)).isEqualTo(alone(small, busy ? 20 : 1));
      assertThat(Result.of(behind)).isEqualTo(alone(large, 9));
      assertThat(engine.engine().stats().failed()).isFalse();
    }
  }

  @Test
  void aStreamedContextSurvivesStoresThatFailNowAndThen() {
    int[] prompt = prompt(LONG);
    try (TestEngine engine = start(options().maxBatchedTokens(16).build())) {
      device.follow(refusing("store", 4));
      assertThat(Result.of(engine.submit(prompt, sampling(30)))).isEqualTo(alone(prompt, 30));
    }
  }

  @Test
  void aStreamedStepThatIsRefusedEndsItsRequestAlone() {
    int[] small = prompt(40);
    int[] large = prompt(140);
    try (TestEngine engine = start(options().build())) {
      device.follow(refusing("stream-in", 5));
      Collected streamed = engine.submit(prompt(LONG), sampling(5));
      Collected beside = engine.submit(small, sampling(20));
      Collected behind = engine.submit(large, sampling(9));
      assertThatThrownBy(streamed::finish).hasMessageContaining("refused on purpose");
      assertThat(Result.of(beside)).isEqualTo(alone(small, 20));
      assertThat(Result.of(behind)).isEqualTo(alone(large, 9));
      device.follow(refusing("none", 1));
      int[] prompt = prompt(LONG);
      assertThat(Result.of(engine.submit(prompt, sampling(5)))).isEqualTo(alone(prompt, 5));
    }
  }

  /** What was given up arrives late, while all other blocks are in other hands. */
  @Test
  void aLateLoadIsComputedInsteadAndNeverReachesAnyonesBlocks() {
    var late = waiting().numBlocks(40).loadTimeoutNanos(100_000_000).build();
    try (TestEngine engine = start(late)) {
      int[] prompt = prompt(96);
      Result expected = storedOnly(engine, prompt, 5);
      List<int[]> others = new ArrayList<>();
      for (int i = 0; i < 4; i++) {
        others.add(prompt(60));
      }
      CountDownLatch arrival = new CountDownLatch(1);
      device.hold("load", arrival);
      Collected recomputed = engine.submit(prompt, sampling(5));
      assertThat(Result.of(recomputed)).isEqualTo(expected);
      assertThat(recomputed.finish().usage().hostTokens()).isZero();
      assertThat(engine.engine().stats().kv().loads().failed()).isEqualTo(1);
      List<Collected> running = new ArrayList<>();
      others.forEach(other -> running.add(engine.submit(other, sampling(40))));
      running.getFirst().awaitFirstToken();
      arrival.countDown();
      for (int i = 0; i < others.size(); i++) {
        assertThat(Result.of(running.get(i))).isEqualTo(alone(others.get(i), 40));
      }
      assertStillPreempts(engine);
      Collected restored;
      do {
        engine.awaitIdle();
        engine.engine().clearCache(true, false).join();
        restored = engine.submit(prompt, sampling(5));
        assertThat(Result.of(restored)).isEqualTo(expected);
        // On a busy machine this load may be late as well.
      } while (restored.finish().usage().hostTokens() == 0);
      assertThat(restored.finish().usage().hostTokens()).isEqualTo(95);
    }
  }

  @Test
  void aStepThatDoesNotEndIsNoticedUntilItDoes() {
    // Checks of blocks copy on that stream between steps.
    try (TestEngine engine = start(options().checkKv(false).build());
        Halt halt = new Halt("compute")) {
      // The first one tells how long steps take.
      engine.submit(prompt(40), sampling(5)).finish();
      engine.awaitIdle();
      assertThat(isStalledLater(engine)).as("while idle").isFalse();
      device.follow(halt);
      int[] prompt = prompt(40);
      Collected held = engine.submit(prompt, sampling(5));
      TestEngine.await(halt.reached);
      assertThat(engine.engine().isStalled()).isFalse();
      assertThat(isStalledLater(engine)).isTrue();
      halt.close();
      assertThat(Result.of(held)).isEqualTo(alone(prompt, 5));
      engine.awaitIdle();
      assertThat(isStalledLater(engine)).isFalse();
    }
  }

  /** What the engine will say if nothing moves; sleeping threads go by another clock. */
  private boolean isStalledLater(TestEngine engine) {
    long later = 10 * StallWatch.PATIENCE_NANOS;
    device.leap(later);
    boolean stalled = engine.engine().isStalled();
    device.leap(-later);
    return stalled;
  }

  @Test
  void bytesThatChangedInHostMemoryAreFoundAndComputedAgain() {
    try (TestEngine engine = start(options().build())) {
      int[] prompt = prompt(100);
      Result expected = storedOnly(engine, prompt, 5);
      long blockBytes = engine.engine().stats().kv().blockBytes();
      List<HostMemory> chunks = device.hostMemories(HOST / blockBytes * blockBytes);
      assertThat(chunks).hasSize(1);
      MemorySegment bytes = chunks.getFirst().segment();
      for (long at = blockBytes / 3; at < bytes.byteSize(); at += blockBytes) {
        byte old = bytes.get(ValueLayout.JAVA_BYTE, at);
        bytes.set(ValueLayout.JAVA_BYTE, at, (byte) (old ^ 1));
      }
      Collected again = engine.submit(prompt, sampling(5));
      assertThat(Result.of(again)).isEqualTo(expected);
      assertThat(again.finish().usage().cachedTokens()).isZero();
      assertThat(engine.engine().stats().kv().loads().failed()).isPositive();
      engine.awaitIdle();
      engine.engine().clearCache(true, false).join();
      Collected restored = engine.submit(prompt, sampling(5));
      assertThat(Result.of(restored)).isEqualTo(expected);
      assertThat(restored.finish().usage().hostTokens()).isPositive();
    }
  }

  @Test
  void withoutHostMemoryOnlyWhatNeedsItFails() {
    device.follow(
        new ScriptedDevice.Script() {
          @Override
          public void beforeAllocateHost(long bytes) {
            if (bytes > HOST / 2) {
              throw ScriptedDevice.refusal();
            }
          }
        });
    int[] prompt = prompt(100);
    try (TestEngine engine = start(options().build())) {
      Collected streamed = engine.submit(prompt(LONG), sampling(5));
      Collected behind = engine.submit(prompt, sampling(5));
      assertThatThrownBy(streamed::finish).hasMessageContaining("not enough host memory");
      assertThat(Result.of(behind)).isEqualTo(alone(prompt, 5));
      assertThat(engine.engine().stats().kv().storesSkipped().total()).isPositive();
    }
  }

  @Test
  void aRequestCancelledWhileItLoadsEndsAtOnce() {
    try (TestEngine engine = start(waiting().build())) {
      int[] prompt = prompt(100);
      Result expected = storedOnly(engine, prompt, 5);
      CountDownLatch arrival = new CountDownLatch(1);
      device.hold("load", arrival);
      Collected loading = engine.submit(prompt, sampling(5));
      await(() -> engine.engine().stats().running() == 1);
      loading.cancel();
      assertThat(loading.finish().reason()).isEqualTo(Finish.Reason.ABORT);
      // More than what the load leaves free: it waits for that, and not for ever.
      Collected behind = engine.submit(prompt(140), sampling(5));
      arrival.countDown();
      assertThat(behind.tokens()).hasSize(5);
      assertThat(Result.of(engine.submit(prompt, sampling(5)))).isEqualTo(expected);
    }
  }

  @Test
  void aRequestCancelledInAStreamedStepEndsAtOnceAndLeavesWithTheStep() {
    int[] prompt = prompt(LONG);
    try (TestEngine engine = start(options().build());
        Halt reading = new Halt("stream-in")) {
      device.follow(reading);
      Collected streamed = engine.submit(prompt, sampling(50));
      TestEngine.await(reading.reached);
      CountDownLatch arrival = new CountDownLatch(1);
      device.hold("stream-in", arrival);
      reading.close();
      streamed.cancel();
      assertThat(streamed.finish().reason()).isEqualTo(Finish.Reason.ABORT);
      int[] beside = prompt(40);
      assertThat(Result.of(engine.submit(beside, sampling(9)))).isEqualTo(alone(beside, 9));
      Collected next = engine.submit(prompt, sampling(9));
      arrival.countDown();
      assertThat(Result.of(next)).isEqualTo(alone(prompt, 9));
    }
  }

  @Test
  void nothingMoreIsReadForARequestCancelledInAStreamedStep() {
    try (TestEngine engine = start(options().build());
        Halt reading = new Halt("stream-in")) {
      device.follow(reading);
      Collected streamed = engine.submit(prompt(LONG), sampling(50));
      TestEngine.await(reading.reached);
      streamed.cancel();
      assertThat(streamed.finish().reason()).isEqualTo(Finish.Reason.ABORT);
      // As of the end of the round in which the engine has stopped the step.
      await(() -> engine.engine().stats().running() == 0);
      reading.close();
      engine.awaitIdle();
      assertThat(reading.copies.get()).as("what was read of the first layer").isEqualTo(1);
    }
  }

  private Engine startBare(EngineOptions options) {
    return Engine.builder(MODEL)
        .options(options)
        .tokenizer(new NumericTokenizer(4096))
        .start(device);
  }

  private static Collected submit(Engine engine, int[] prompt, int tokens) {
    return Collected.submit(engine, new GenerationRequest("r", prompt, sampling(tokens)));
  }

  private void assertNothingLeft(Engine engine) {
    assertThat(engine.stats().kv().device().used()).as("device blocks").isZero();
    assertThat(engine.stats().kv().host().used()).as("host blocks").isZero();
    assertThat(engine.stats().running() + engine.stats().waiting()).isZero();
    assertThat(device.allocatedBytes()).as("bytes").isZero();
    device.close();
  }

  /** A copy that fails after it was submitted is a lost device. */
  @ParameterizedTest
  @ValueSource(strings = {"load", "store", "stream-in", "long", "compute"})
  void aBrokenStreamEndsEverythingWithErrorsAndLeaksNothing(String stream) {
    Engine engine = startBare(options().build());
    int[] prompt = prompt(100);
    submit(engine, prompt, 5).finish();
    await(() -> engine.stats().kv().stores().blocks() >= 12);
    engine.clearCache(true, false).join();
    Collected streamed = submit(engine, prompt(LONG), 100);
    streamed.awaitFirstToken();
    device.fail(stream);
    List<Collected> all = new ArrayList<>(List.of(streamed));
    for (int length : new int[] {100, 40, 140, LONG}) {
      all.add(submit(engine, length == 100 ? prompt : prompt(length), 10));
    }
    int failed = 0;
    for (Collected output : all) {
      try {
        output.finish();
      } catch (EngineException e) {
        assertThat(e.kind()).isEqualTo(EngineException.Kind.UNAVAILABLE);
        failed++;
      }
    }
    assertThat(failed).isPositive();
    await(() -> engine.stats().failed());
    assertThatThrownBy(submit(engine, prompt, 5)::finish).hasMessageContaining("failed");
    engine.close();
    assertNothingLeft(engine);
  }

  @ParameterizedTest
  @ValueSource(strings = {"load", "store", "stream-in"})
  void closingWhileCopiesAreInFlightWaitsForThemAndLeaksNothing(String stream)
      throws InterruptedException {
    Engine engine = startBare(waiting().build());
    int[] prompt = prompt(100);
    submit(engine, prompt, 5).finish();
    await(() -> engine.stats().kv().stores().blocks() >= 12);
    engine.clearCache(true, false).join();
    Collected streamed = submit(engine, prompt(LONG), 100);
    streamed.awaitFirstToken();
    CountDownLatch arrival = new CountDownLatch(1);
    device.hold(stream, arrival);
    // Fits beside the other's window with what has to be loaded.
    Collected loading = submit(engine, java.util.Arrays.copyOf(prompt, 60), 10);
    // A command is done before the step after it begins: by the second, it was planned.
    engine.clearCache(false, false).join();
    engine.clearCache(false, false).join();
    Thread closer = Thread.ofPlatform().start(engine::close);
    assertThat(streamed.finish().reason()).isIn(Finish.Reason.ABORT, Finish.Reason.LENGTH);
    assertThat(loading.finish().reason()).isIn(Finish.Reason.ABORT, Finish.Reason.LENGTH);
    arrival.countDown();
    closer.join();
    assertNothingLeft(engine);
  }

  @Test
  void aRefusedResourceAtAnyPointOfTheStartLeaksNothing() {
    int refusals = 0;
    for (int refused = 0; refused < 80; refused++) {
      Device faulty = FaultyDevice.refusing(refused);
      try {
        Engine.builder(MODEL)
            .options(options().build())
            .tokenizer(new NumericTokenizer(4096))
            .start(faulty)
            .close();
      } catch (DeviceException e) {
        refusals++;
      }
      assertThat(faulty.allocatedBytes()).as("resource %d refused", refused).isZero();
      faulty.close();
    }
    assertThat(refusals).isGreaterThan(55);
    device.close();
  }
}
