package dev.kappa.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.kappa.device.DType;
import dev.kappa.device.Device;
import dev.kappa.device.Devices;
import dev.kappa.sample.SamplingParams;
import dev.kappa.sample.TokenLogprob;
import dev.kappa.stats.Histogram;
import dev.kappa.text.NumericTokenizer;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class EngineTest {

  private static final int CONTEXT = 128;

  private final TestEngine engine =
      new TestEngine(
          TestEngine.tinyModel("llama-tiny"), TestEngine.options(CONTEXT / 16, 16, 4, 32), 1);
  private final int[] prompt = TestEngine.randomPrompt(new Random(1), 20, 256);

  @AfterEach
  void nothingLeaks() {
    engine.close();
  }

  private static SamplingParams stopping(
      int maxTokens, List<String> stop, List<Integer> stopTokens) {
    return SamplingParams.builder()
        .temperature(0)
        .maxTokens(maxTokens)
        .stop(stop)
        .stopTokens(stopTokens)
        .ignoreEos(true)
        .build();
  }

  private List<Integer> greedyTokens(int count) {
    return engine.submit(prompt, TestEngine.greedy(count)).tokens();
  }

  private void assertRefused(int[] tokens, int maxTokens, String parameter, String message) {
    assertThatThrownBy(() -> engine.submit(tokens, TestEngine.greedy(maxTokens)))
        .isInstanceOfSatisfying(
            EngineException.class,
            e -> {
              assertThat(e.kind()).isEqualTo(EngineException.Kind.INVALID_REQUEST);
              assertThat(e.parameter()).isEqualTo(parameter);
            })
        .hasMessageContaining(message);
  }

  @Test
  void stopsAtTheTokenLimit() {
    Collected output = engine.submit(prompt, TestEngine.greedy(7));
    assertThat(output.tokens()).hasSize(7);
    assertThat(output.finish().reason()).isEqualTo(Finish.Reason.LENGTH);
    assertThat(output.finish().usage()).isEqualTo(new Finish.Usage(20, 7, 0, 0));
    assertThat(output.text())
        .isEqualTo(new NumericTokenizer(4096).decode(toArray(output.tokens()), true));
  }

  @Test
  void fillsTheContextToTheLastToken() {
    Collected output = engine.submit(prompt, TestEngine.greedy(CONTEXT - 20));
    assertThat(output.tokens()).hasSize(CONTEXT - 20);
  }

  @Test
  void stopsAtAStopToken() {
    List<Integer> free = greedyTokens(10);
    int stop = free.get(4);
    Collected output = engine.submit(prompt, stopping(10, List.of(), List.of(stop)));
    assertThat(output.tokens()).isEqualTo(free.subList(0, free.indexOf(stop)));
    assertThat(output.finish().reason()).isEqualTo(Finish.Reason.STOP);
    assertThat(output.finish().usage().completionTokens()).isEqualTo(free.indexOf(stop) + 1);
  }

  @Test
  void stopsBeforeAStopString() {
    String whole = engine.submit(prompt, TestEngine.greedy(10)).text();
    String stop = whole.substring(whole.length() / 2, whole.length() / 2 + 4);
    Collected output = engine.submit(prompt, stopping(10, List.of(stop), List.of()));
    assertThat(output.text()).isEqualTo(whole.substring(0, whole.indexOf(stop)));
    assertThat(output.finish().stopString()).isEqualTo(stop);
    assertThat(output.finish().reason()).isEqualTo(Finish.Reason.STOP);
  }

  @Test
  void zeroTokensOnlyComputeThePrompt() {
    SamplingParams promptOnly = SamplingParams.builder().maxTokens(0).promptLogprobs(2).build();
    Collected output = engine.submit(prompt, promptOnly);
    assertThat(output.tokens()).isEmpty();
    assertThat(output.promptLogprobs()).hasSize(prompt.length - 1);
    assertThat(output.finish().usage()).isEqualTo(new Finish.Usage(20, 0, 0, 0));
    for (int i = 0; i < prompt.length - 1; i++) {
      TokenLogprob logprob = output.promptLogprobs().get(i);
      assertThat(logprob.token()).isEqualTo(prompt[i + 1]);
      assertThat(logprob.topTokens()).hasSize(2);
    }
  }

  /** What is reported while generating is what the same tokens get as a prompt. */
  @Test
  void outputAndPromptLogprobsAgree() {
    SamplingParams sampling =
        SamplingParams.builder().seed(3).maxTokens(12).ignoreEos(true).logprobs(0).build();
    Collected output = engine.submit(prompt, sampling);
    int[] whole = Arrays.copyOf(prompt, prompt.length + 12);
    for (int i = 0; i < 12; i++) {
      whole[prompt.length + i] = output.tokens().get(i);
    }
    SamplingParams promptOnly = SamplingParams.builder().maxTokens(0).promptLogprobs(0).build();
    List<TokenLogprob> scored = engine.submit(whole, promptOnly).promptLogprobs();
    for (int i = 0; i < 12; i++) {
      assertThat(scored.get(prompt.length - 1 + i).logprob())
          .isCloseTo(output.logprobs().get(i).logprob(), within(0f));
    }
  }

  @Test
  void seededSamplingRepeats() {
    SamplingParams sampling =
        SamplingParams.builder().seed(42).maxTokens(20).ignoreEos(true).build();
    List<Integer> first = engine.submit(prompt, sampling).tokens();
    assertThat(engine.submit(prompt, sampling).tokens()).isEqualTo(first);
    SamplingParams other = SamplingParams.builder().seed(43).maxTokens(20).ignoreEos(true).build();
    assertThat(engine.submit(prompt, other).tokens()).isNotEqualTo(first);
  }

  @Test
  void streamsToABlockingReader() throws InterruptedException {
    String expected = engine.submit(prompt, TestEngine.greedy(8)).text();
    TokenStream stream =
        engine.engine().stream(new GenerationRequest("r", prompt, TestEngine.greedy(8)));
    OutputListener.Delta first = Objects.requireNonNull(stream.next());
    assertThat(first.text() + stream.rest()).isEqualTo(expected);
    assertThat(stream.next()).isNull();
    assertThat(stream.finish().reason()).isEqualTo(Finish.Reason.LENGTH);
  }

  @Test
  void warmUpLeavesNothingBehind() {
    EngineOptions options =
        EngineOptions.builder()
            .numBlocks(3)
            .blockTokens(16)
            .kvDType(DType.F32)
            .warmUp(true)
            .build();
    try (TestEngine warm = new TestEngine(TestEngine.tinyModel("llama-tiny"), options, 1)) {
      EngineStats stats = warm.engine().stats();
      assertThat(stats.kv().device().used()).isZero();
      assertThat(stats.kv().device().cached()).isZero();
      assertThat(stats.steps()).isZero();
      assertThat(warm.submit(prompt, TestEngine.greedy(5)).tokens()).isEqualTo(greedyTokens(5));
    }
  }

  @Test
  void everyStepTellsItsTokens() {
    EngineOptions options = TestEngine.options(8, 16, 4, 32);
    try (TestEngine own = new TestEngine(TestEngine.tinyModel("llama-tiny"), options, 1)) {
      own.submit(prompt, TestEngine.greedy(5)).finish();
      own.awaitIdle();
      Histogram.Reading tokens = own.engine().distributions().stepTokens().read();
      assertThat(tokens.count()).isEqualTo(own.engine().stats().steps()).isEqualTo(5);
      assertThat(tokens.sum()).isEqualTo(prompt.length + 4);
      assertThat(tokens.counts()[0]).as("decodes").isEqualTo(4);
    }
  }

  @Test
  void refusesWhatItCannotServe() {
    assertRefused(new int[0], 1, "prompt", "empty");
    assertRefused(new int[] {1, -1}, 1, "prompt", "position 1");
    assertRefused(new int[] {1 << 20}, 1, "prompt", "vocabulary");
    assertRefused(new int[CONTEXT], 1, "prompt", "128");
    assertRefused(new int[CONTEXT + 1], 0, "prompt", "129");
    assertRefused(prompt, CONTEXT - 19, "max_tokens", "128");
  }

  @Test
  void aFailingListenerEndsOnlyItsOwnRequest() {
    CompletableFuture<Void> called = new CompletableFuture<>();
    engine
        .engine()
        .submit(
            new GenerationRequest("bad", prompt, TestEngine.greedy(50)),
            new OutputListener() {
              @Override
              public void onDelta(Delta delta) {
                called.complete(null);
                throw new IllegalStateException("thrown on purpose by a test");
              }

              @Override
              public void onFinish(Finish finish) {}

              @Override
              public void onError(EngineException error) {}
            });
    Collected other = engine.submit(prompt, TestEngine.greedy(10));
    assertThat(other.tokens()).hasSize(10);
    called.join();
    assertThat(engine.engine().stats().failed()).isFalse();
  }

  @Test
  void cancelEndsARequest() {
    Collected output = engine.submit(prompt, TestEngine.greedy(CONTEXT - 20));
    output.awaitFirstToken();
    output.cancel();
    assertThat(output.finish().reason()).isIn(Finish.Reason.ABORT, Finish.Reason.LENGTH);
    output.cancel();
  }

  @Test
  void closingAbortsWhatRunsAndRefusesWhatComes() {
    Collected output;
    Device device = Devices.open("cpu", 1).device();
    Engine own =
        Engine.builder(TestEngine.tinyModel("llama-tiny"))
            .options(TestEngine.options(8, 16, 4, 32))
            .tokenizer(new NumericTokenizer(4096))
            .start(device);
    output = Collected.submit(own, new GenerationRequest("a", prompt, TestEngine.greedy(100)));
    own.close();
    own.close();
    assertThat(output.finish().reason()).isIn(Finish.Reason.ABORT, Finish.Reason.LENGTH);
    assertThatThrownBy(
            () -> own.submit(new GenerationRequest("b", prompt, TestEngine.greedy(1)), output))
        .isInstanceOf(EngineException.class)
        .hasMessageContaining("closed");
    assertThat(device.allocatedBytes()).isZero();
    device.close();
  }

  private static int[] toArray(List<Integer> tokens) {
    return tokens.stream().mapToInt(Integer::intValue).toArray();
  }
}
