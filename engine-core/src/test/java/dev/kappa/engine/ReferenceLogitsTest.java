package dev.kappa.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.kappa.device.DType;
import dev.kappa.device.Device;
import dev.kappa.device.Devices;
import dev.kappa.model.Fixtures;
import dev.kappa.sample.SamplingParams;
import dev.kappa.sample.TokenLogprob;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.ObjectMapper;

/**
 * Log probabilities and greedy tokens of every architecture against Hugging Face transformers in
 * 32-bit arithmetic, on tiny random models; {@code make_models.py} beside them made both.
 */
public class ReferenceLogitsTest {

  /**
   * Two ways to sum the same 32-bit products differ by far less; the models' logits spread over
   * about ±10, and a fault in any part of the forward pass moves them by more than 0.1.
   */
  private static final float TOLERANCE = 2e-3f;

  /** Of all log probabilities that were compared. */
  private final List<Float> errors = new ArrayList<>();

  /** A fresh device with so many threads. */
  protected Device openDevice(int threads) {
    return Devices.open("cpu", threads).device();
  }

  /** How far a log probability may be from the reference; a fifth of it in the quadratic mean. */
  protected float tolerance() {
    return TOLERANCE;
  }

  /** Every fixture. */
  static final List<String> models =
      Stream.concat(Fixtures.MODELS.stream(), Fixtures.GGUF_MODELS.stream()).toList();

  @ParameterizedTest
  @FieldSource("models")
  void agreesWithTransformers(String name) {
    Path directory = TestEngine.tinyModel(name);
    JsonNode reference =
        new ObjectMapper().readTree(Fixtures.beside(directory, "reference.json").toFile());
    errors.clear();
    int compared = 0;
    for (Span span : spans(name)) {
      EngineOptions options =
          EngineOptions.builder()
              .numBlocks(16)
              .blockTokens(16)
              .maxSequences(4)
              .maxBatchedTokens(50)
              .maxModelLength(span.longest)
              .kvDType(DType.F32)
              .build();
      try (TestEngine engine = new TestEngine(directory, options, openDevice(2))) {
        for (JsonNode prompt : reference.get("prompts")) {
          int[] tokens = ints(prompt.get("tokens"));
          if (tokens.length >= span.from && tokens.length < span.to) {
            checkPositions(engine, tokens, prompt.get("positions"), name);
            checkGreedy(engine, tokens, prompt, name);
            compared++;
          }
        }
      }
    }
    assertThat(compared).isEqualTo(reference.get("prompts").size());
    double squares = errors.stream().mapToDouble(error -> error * error).average().orElseThrow();
    assertThat(Math.sqrt(squares)).as("quadratic mean of errors").isLessThan(tolerance() / 5);
  }

  /** Lengths of prompts that an engine is asked with contexts of up to so many tokens. */
  private record Span(int from, int to, int longest) {}

  /**
   * The rotation of this model depends on whether contexts go beyond 32 tokens: for transformers
   * the one at hand, for an engine the longest. Prompts are followed by 24 tokens.
   */
  private static List<Span> spans(String name) {
    return name.equals("phi3-longrope-tiny")
        ? List.of(new Span(1, 9, 32), new Span(33, 200, 200))
        : List.of(new Span(1, 200, 200));
  }

  private void checkPositions(TestEngine engine, int[] tokens, JsonNode positions, String name) {
    // One more token behind the prompt makes the logits of its last position reported too.
    int[] longer = java.util.Arrays.copyOf(tokens, tokens.length + 1);
    SamplingParams promptOnly = SamplingParams.builder().maxTokens(0).promptLogprobs(8).build();
    List<TokenLogprob> rows = engine.submit(longer, promptOnly).promptLogprobs();
    assertThat(rows).hasSize(tokens.length);
    for (JsonNode expected : positions) {
      int position = expected.get("position").asInt();
      float logSumExp = expected.get("logSumExp").floatValue();
      TokenLogprob row = rows.get(position);
      Map<Integer, Float> found = new HashMap<>();
      for (int i = 0; i < row.topTokens().length; i++) {
        found.put(row.topTokens()[i], row.topLogprobs()[i]);
      }
      int rank = 0;
      for (JsonNode top : expected.get("top")) {
        int token = top.get(0).asInt();
        float logprob = top.get(1).floatValue() - logSumExp;
        String where =
            "%s, %d tokens, position %d, token %d".formatted(name, tokens.length, position, token);
        // Ranks may swap between near equals; the value at the rank may not.
        assertThat(row.topLogprobs()[rank++]).as(where).isCloseTo(logprob, within(tolerance()));
        if (found.containsKey(token)) {
          assertThat(found.get(token)).as(where).isCloseTo(logprob, within(tolerance()));
          errors.add(found.get(token) - logprob);
        } else {
          assertThat(logprob).as(where).isCloseTo(row.topLogprobs()[7], within(tolerance()));
        }
      }
    }
  }

  /** Equal tokens as long as the reference's choice was not a near tie. */
  private void checkGreedy(TestEngine engine, int[] tokens, JsonNode prompt, String name) {
    int[] expected = ints(prompt.get("greedy"));
    List<Integer> found = engine.submit(tokens, TestEngine.greedy(expected.length)).tokens();
    for (int i = 0; i < expected.length; i++) {
      if (prompt.get("margins").get(i).floatValue() < 2 * tolerance()) {
        return;
      }
      assertThat(found.get(i))
          .as("%s, %d tokens, step %d", name, tokens.length, i)
          .isEqualTo(expected[i]);
    }
  }

  private static int[] ints(JsonNode array) {
    int[] values = new int[array.size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = array.get(i).asInt();
    }
    return values;
  }
}
