package dev.kappa.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kappa.device.Device;
import dev.kappa.device.DeviceException;
import dev.kappa.device.Devices;
import dev.kappa.sample.SamplingParams;
import dev.kappa.text.NumericTokenizer;
import dev.kappa.text.TokenDecoder;
import dev.kappa.text.Tokenizer;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Whatever fails: every request ends exactly once, nothing hangs and nothing leaks. */
@Timeout(300)
class EngineFaultTest {

  private static final Path MODEL = TestEngine.tinyModel("llama-tiny");
  private static final EngineOptions OPTIONS = TestEngine.options(8, 16, 4, 32);

  private final int[] prompt = TestEngine.randomPrompt(new Random(1), 20, 256);

  /** Counts how a request ended and does something on every delta. */
  private static final class Probe implements OutputListener {
    private final Consumer<Delta> onDelta;
    private final List<Object> ends = new ArrayList<>();
    private final CountDownLatch ended = new CountDownLatch(1);

    Probe(Consumer<Delta> onDelta) {
      this.onDelta = onDelta;
    }

    @Override
    public void onDelta(Delta delta) {
      onDelta.accept(delta);
    }

    @Override
    public synchronized void onFinish(Finish finish) {
      ends.add(finish);
      ended.countDown();
    }

    @Override
    public synchronized void onError(EngineException error) {
      ends.add(error);
      ended.countDown();
    }

    Finish.Reason awaitReason() {
      assertThat(awaitEnd()).isInstanceOf(Finish.class);
      return ((Finish) ends.getFirst()).reason();
    }

    EngineException.Kind awaitError() {
      assertThat(awaitEnd()).isInstanceOf(EngineException.class);
      return ((EngineException) ends.getFirst()).kind();
    }

    synchronized List<Object> ends() {
      return List.copyOf(ends);
    }

    private Object awaitEnd() {
      TestEngine.await(ended);
      return ends().getFirst();
    }
  }

  private static Engine start(Device device) {
    return Engine.builder(MODEL)
        .options(OPTIONS)
        .tokenizer(new NumericTokenizer(4096))
        .start(device);
  }

  private GenerationRequest request(int maxTokens) {
    return new GenerationRequest("r", prompt, TestEngine.greedy(maxTokens));
  }

  /** Numbers as text, until the decoder has decoded so many. */
  private static TokenDecoder failingAfter(int tokens) {
    return new TokenDecoder() {
      private int seen;

      @Override
      public String append(int token) {
        if (seen++ == tokens) {
          throw new IllegalStateException("undecodable on purpose");
        }
        return " " + token;
      }

      @Override
      public String finish() {
        return "";
      }
    };
  }

  /** Says nothing of any token, and something at the end. */
  private static TokenDecoder holdingBack(String all) {
    return new TokenDecoder() {
      @Override
      public String append(int token) {
        return "";
      }

      @Override
      public String finish() {
        return all;
      }
    };
  }

  private static Tokenizer decodingBy(TokenDecoder decoder) {
    Tokenizer real = new NumericTokenizer(4096);
    Object proxy =
        Proxy.newProxyInstance(
            Tokenizer.class.getClassLoader(),
            new Class<?>[] {Tokenizer.class},
            (self, method, arguments) -> {
              try {
                return method.getName().equals("newDecoder")
                    ? decoder
                    : method.invoke(real, arguments);
              } catch (InvocationTargetException e) {
                throw e.getCause();
              }
            });
    return (Tokenizer) proxy;
  }

  @Test
  void listenersThatThrowHearOfTheErrorOnceAndDisturbNobody() {
    try (TestEngine engine = new TestEngine(MODEL, OPTIONS, 1)) {
      for (Throwable thrown :
          List.of(new IllegalStateException("on purpose"), new AssertionError("on purpose"))) {
        Probe bad =
            new Probe(delta -> {
              if (thrown instanceof Error error) {
                throw error;
              }
              throw (RuntimeException) thrown;
            });
        engine.engine().submit(request(50), bad);
        assertThat(engine.submit(prompt, TestEngine.greedy(10)).tokens()).hasSize(10);
        assertThat(bad.awaitError()).isEqualTo(EngineException.Kind.INTERNAL);
        assertThat(bad.ends()).hasSize(1);
      }
      assertThat(engine.engine().stats().failed()).isFalse();
    }
  }

  @Test
  void aListenerThatThrowsOnTheHeldBackRestStillHearsOfAnEnd() {
    try (TestEngine engine = new TestEngine(MODEL, OPTIONS, 1)) {
      List<Integer> tokens = engine.submit(prompt, TestEngine.greedy(5)).tokens();
      // The last token may begin this stop string, so its text comes with the end.
      String stop = " " + tokens.getLast() + "x";
      SamplingParams sampling =
          SamplingParams.builder()
              .temperature(0)
              .maxTokens(5)
              .ignoreEos(true)
              .stop(List.of(stop))
              .build();
      Probe bad =
          new Probe(delta -> {
            if (delta.tokens().length == 0) {
              throw new IllegalStateException("on purpose");
            }
          });
      engine.engine().submit(new GenerationRequest("r", prompt, sampling), bad);
      assertThat(bad.awaitError()).isEqualTo(EngineException.Kind.INTERNAL);
    }
  }

  @Test
  void anUndecodableTokenEndsItsRequestWithAnError() {
    try (Device device = Devices.open("cpu", 1).device();
        Engine engine =
            Engine.builder(MODEL)
                .options(OPTIONS)
                .tokenizer(decodingBy(failingAfter(3)))
                .start(device)) {
      TokenStream stream = engine.stream(request(10));
      assertThatThrownBy(stream::rest).isInstanceOf(EngineException.class);
      assertThatThrownBy(stream::next).isInstanceOf(EngineException.class);
      assertThat(engine.stats().failed()).isFalse();
    }
  }

  @Test
  void aStopStringThatOnlyTheDecodersLastPieceCompletesIsFound() {
    SamplingParams sampling =
        SamplingParams.builder()
            .temperature(0)
            .maxTokens(5)
            .ignoreEos(true)
            .stop(List.of("end"))
            .build();
    try (Device device = Devices.open("cpu", 1).device();
        Engine engine =
            Engine.builder(MODEL)
                .options(OPTIONS)
                .tokenizer(decodingBy(holdingBack("the end.")))
                .start(device)) {
      Collected output = Collected.submit(engine, new GenerationRequest("r", prompt, sampling));
      assertThat(output.text()).isEqualTo("the ");
      assertThat(output.finish().stopString()).isEqualTo("end");
      assertThat(output.finish().reason()).isEqualTo(Finish.Reason.STOP);
    }
  }

  @Test
  void aListenerMayLeaveItsThreadInterrupted() {
    try (TestEngine engine = new TestEngine(MODEL, OPTIONS, 1)) {
      Probe interrupting = new Probe(delta -> Thread.currentThread().interrupt());
      engine.engine().submit(request(3), interrupting);
      assertThat(interrupting.awaitReason()).isEqualTo(Finish.Reason.LENGTH);
      assertThat(engine.submit(prompt, TestEngine.greedy(10)).tokens()).hasSize(10);
    }
  }

  @Test
  void aListenerCannotCloseItsEngine() {
    try (TestEngine engine = new TestEngine(MODEL, OPTIONS, 1)) {
      Probe closing = new Probe(delta -> engine.engine().close());
      engine.engine().submit(request(3), closing);
      assertThat(closing.awaitError()).isEqualTo(EngineException.Kind.INTERNAL);
      assertThat(engine.submit(prompt, TestEngine.greedy(10)).tokens()).hasSize(10);
    }
  }

  @Test
  void cancelEndsARequestAfterItsStep() {
    try (TestEngine engine = new TestEngine(MODEL, OPTIONS, 1)) {
      CountDownLatch cancelled = new CountDownLatch(1);
      AtomicInteger deltas = new AtomicInteger();
      Probe probe =
          new Probe(delta -> {
            deltas.incrementAndGet();
            TestEngine.await(cancelled);
          });
      RequestHandle handle = engine.engine().submit(request(100), probe);
      handle.cancel();
      handle.cancel();
      cancelled.countDown();
      assertThat(probe.awaitReason()).isEqualTo(Finish.Reason.ABORT);
      assertThat(deltas.get()).isLessThanOrEqualTo(1);
      handle.cancel();
      engine.submit(prompt, TestEngine.greedy(1)).finish();
      assertThat(probe.ends()).hasSize(1);
    }
  }

  @Test
  void everyCallToCloseReturnsAfterEverythingIsFreed() throws InterruptedException {
    Device device = Devices.open("cpu", 1).device();
    Engine engine = start(device);
    CountDownLatch running = new CountDownLatch(1);
    CountDownLatch go = new CountDownLatch(1);
    Probe first =
        new Probe(delta -> {
          running.countDown();
          TestEngine.await(go);
        });
    engine.submit(request(100), first);
    TestEngine.await(running);
    Probe waiting = new Probe(delta -> {});
    engine.submit(request(100), waiting);
    List<Long> left = java.util.Collections.synchronizedList(new ArrayList<>());
    List<Thread> closers = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      closers.add(
          Thread.ofPlatform()
              .start(() -> {
                engine.close();
                left.add(device.allocatedBytes());
              }));
    }
    assertThatThrownBy(
            () -> {
              while (true) {
                engine.submit(request(1), new Probe(delta -> {}));
              }
            })
        .isInstanceOf(EngineException.class)
        .hasMessageContaining("closed");
    go.countDown();
    for (Thread closer : closers) {
      closer.join();
    }
    assertThat(left).containsExactly(0L, 0L, 0L);
    assertThat(first.awaitReason()).isEqualTo(Finish.Reason.ABORT);
    assertThat(waiting.awaitReason()).isEqualTo(Finish.Reason.ABORT);
    assertThat(first.ends()).hasSize(1);
    assertThat(engine.stats().failed()).isFalse();
    assertThat(engine.stats().kv().device().used()).isZero();
    device.close();
  }

  @Test
  void aFailedStepEndsAllRequestsWithErrorsAndRefusesLaterOnes() {
    Device device = FaultyDevice.failingAttention(12);
    Engine engine = start(device);
    List<Probe> probes = new ArrayList<>();
    for (int i = 0; i < 6; i++) {
      probes.add(new Probe(delta -> {}));
      engine.submit(request(100), probes.getLast());
    }
    for (Probe probe : probes) {
      assertThat(probe.awaitError()).isEqualTo(EngineException.Kind.UNAVAILABLE);
    }
    Probe late = new Probe(delta -> {});
    engine.submit(request(1), late);
    assertThat(late.awaitError()).isEqualTo(EngineException.Kind.UNAVAILABLE);
    assertThat(engine.stats().failed()).isTrue();
    engine.close();
    assertThat(probes).allSatisfy(probe -> assertThat(probe.ends()).hasSize(1));
    assertThat(engine.stats().kv().device().used()).isZero();
    assertThat(device.allocatedBytes()).isZero();
    device.close();
  }

  @Test
  void aRefusedResourceAtAnyPointOfTheStartLeaksNothing() {
    int refused = 0;
    for (boolean started = false; !started; ) {
      Device device = FaultyDevice.refusing(refused);
      try {
        start(device).close();
        started = true;
      } catch (DeviceException e) {
        refused++;
      }
      assertThat(device.allocatedBytes()).as("resource %d refused", refused).isZero();
      device.close();
    }
    // Weights, activations, a stream, the KV pool and the step's buffers.
    assertThat(refused).isGreaterThan(25);
  }

  @Test
  void aPoolAskedForInBlocksIsTakenAsItIs() {
    Device device = FaultyDevice.full();
    start(device).close();
    EngineOptions unsized = EngineOptions.builder().blockTokens(16).build();
    Engine.Builder builder =
        Engine.builder(MODEL).options(unsized).tokenizer(new NumericTokenizer(4096));
    assertThatThrownBy(() -> builder.start(device)).hasMessageContaining("no room for KV");
    device.close();
  }

  @Test
  void aSmallStepAloneMeansFewSequences() {
    EngineOptions options = EngineOptions.builder().numBlocks(8).maxBatchedTokens(16).build();
    try (TestEngine engine = new TestEngine(MODEL, options, 1)) {
      assertThat(engine.engine().info().maxSequences()).isEqualTo(16);
    }
  }
}
