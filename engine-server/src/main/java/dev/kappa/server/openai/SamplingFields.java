package dev.kappa.server.openai;

import dev.kappa.grammar.Grammar;
import dev.kappa.grammar.GrammarException;
import dev.kappa.grammar.Outline;
import dev.kappa.sample.Adjustments;
import dev.kappa.sample.SamplingParams;
import dev.kappa.server.backend.SamplingDefaults;
import dev.kappa.server.backend.ServedModel;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * The part of a request that says how to sample, checked.
 *
 * @param temperature as in {@link SamplingParams}, like all the others
 */
record SamplingFields(
    double temperature,
    int topK,
    double topP,
    double minP,
    @Nullable Long seed,
    List<String> stop,
    List<Integer> stopTokens,
    boolean ignoreEos,
    boolean includeStop,
    boolean skipSpecialTokens,
    Adjustments adjustments) {

  private static final int MAX_STOPS = 64;
  // Each prompt of a request keeps its own set of them.
  private static final int MAX_STOP_TOKENS = 256;
  // The engine compares them with the output's end after every token.
  private static final int MAX_STOP_LENGTH = 256;

  static SamplingFields read(JsonFields fields, ServedModel model) {
    SamplingDefaults defaults = model.defaults();
    int vocabularySize = model.backend().info().model().vocabularySize();
    double temperature = fields.number("temperature", 0, 2, defaults.temperature());
    // vLLM's clients say -1 for "all".
    int topK = Math.max(0, fields.integer("top_k", -1, Integer.MAX_VALUE, defaults.topK()));
    double topP = fields.number("top_p", 0, 1, defaults.topP());
    if (topP == 0) {
      throw JsonFields.bad("top_p", "top_p must be above 0 and at most 1");
    }
    double minP = fields.number("min_p", 0, 1, defaults.minP());
    Long seed = fields.integer("seed", Long.MIN_VALUE, Long.MAX_VALUE);
    return new SamplingFields(
        temperature,
        topK,
        topP,
        minP,
        seed,
        stop(fields),
        TokenIds.read(fields, "stop_token_ids", MAX_STOP_TOKENS, vocabularySize),
        fields.bool("ignore_eos", false),
        fields.bool("include_stop_str_in_output", false),
        fields.bool("skip_special_tokens", true),
        AdjustmentFields.read(fields, model.backend().tokenizer(), vocabularySize, defaults));
  }

  /**
   * The same for an output that must be something.
   *
   * @param outline what; null for any text
   * @param field which field says so
   */
  SamplingFields within(@Nullable Outline outline, String field, GrammarCache grammars) {
    if (outline == null) {
      return this;
    }
    if (!adjustments.allowedTokens().isEmpty()) {
      throw JsonFields.bad(
          "allowed_token_ids", "allowed_token_ids is not supported beside " + field);
    }
    if (!adjustments.forbidden().isEmpty()) {
      throw JsonFields.bad("bad_words", "bad_words is not supported beside " + field);
    }
    Grammar constraint;
    try {
      constraint = grammars.of(outline);
    } catch (GrammarException e) {
      String at = e.path().isEmpty() ? field : e.path();
      throw JsonFields.bad(at, at + ": " + e.getMessage());
    }
    return new SamplingFields(
        temperature,
        topK,
        topP,
        minP,
        seed,
        stop,
        stopTokens,
        ignoreEos,
        includeStop,
        skipSpecialTokens,
        adjustments.withConstraint(constraint));
  }

  private static List<String> stop(JsonFields fields) {
    JsonNode value = fields.get("stop");
    if (value == null) {
      return List.of();
    }
    if (value.isString()) {
      return List.of(stopString(value, "stop"));
    }
    if (!value.isArray()) {
      throw JsonFields.wrongType("stop", "a string or an array of strings", value);
    }
    if (value.size() > MAX_STOPS) {
      throw JsonFields.bad("stop", "stop must hold at most " + MAX_STOPS + " strings");
    }
    List<String> strings = new ArrayList<>();
    for (JsonNode element : value.values()) {
      strings.add(stopString(element, "stop[" + strings.size() + "]"));
    }
    return strings;
  }

  private static String stopString(JsonNode value, String path) {
    String string = JsonFields.string(value, path);
    if (string.isEmpty()) {
      throw JsonFields.bad(path, path + " must not be empty");
    }
    if (string.length() > MAX_STOP_LENGTH) {
      throw JsonFields.bad(path, path + " must be at most " + MAX_STOP_LENGTH + " characters long");
    }
    return string;
  }

  /** The same with special tokens in the text. */
  SamplingFields withSpecialTokens() {
    return new SamplingFields(
        temperature,
        topK,
        topP,
        minP,
        seed,
        stop,
        stopTokens,
        ignoreEos,
        includeStop,
        false,
        adjustments);
  }

  /**
   * The parameters of one of several choices from one prompt.
   *
   * @param choice its number; with a seed it draws as a request with that seed plus this number
   */
  SamplingParams params(int choice, int maxTokens, int logprobs, int promptLogprobs) {
    SamplingParams.Builder params =
        SamplingParams.builder()
            .temperature(temperature)
            .topK(topK)
            .topP(topP)
            .minP(minP)
            .maxTokens(maxTokens)
            .stop(stop)
            .stopTokens(stopTokens)
            .ignoreEos(ignoreEos)
            .logprobs(logprobs)
            .promptLogprobs(promptLogprobs)
            .includeStop(includeStop)
            .skipSpecialTokens(skipSpecialTokens)
            .adjustments(adjustments);
    if (seed != null) {
      params.seed(seed + choice);
    }
    return params.build();
  }
}
