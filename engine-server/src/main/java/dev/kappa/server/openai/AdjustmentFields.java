package dev.kappa.server.openai;

import dev.kappa.sample.Adjustments;
import dev.kappa.server.backend.SamplingDefaults;
import dev.kappa.text.Tokenizer;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import tools.jackson.databind.JsonNode;

/** Reads what a request wants done to its logits. */
final class AdjustmentFields {

  private static final String BIAS = "logit_bias";
  private static final String ALLOWED = "allowed_token_ids";

  /** As many as OpenAI takes; each costs a little at every token. */
  private static final int MAX_BIASES = 1024;

  private static final String BAD_WORDS = "bad_words";

  /** Each is compared with the output's end at every token. */
  private static final int MAX_BAD_WORDS = 256;

  private static final int MAX_WORD_LENGTH = 100;

  private AdjustmentFields() {}

  static Adjustments read(
      JsonFields fields, Tokenizer tokenizer, int vocabularySize, SamplingDefaults defaults) {
    double repetition = fields.number("repetition_penalty", 0, 2, defaults.repetitionPenalty());
    if (repetition == 0) {
      throw JsonFields.bad("repetition_penalty", "repetition_penalty must be above 0");
    }
    return new Adjustments(
        repetition,
        fields.number("presence_penalty", -2, 2, 0),
        fields.number("frequency_penalty", -2, 2, 0),
        bias(fields, vocabularySize),
        allowed(fields, vocabularySize),
        fields.integer("min_tokens", 0, Integer.MAX_VALUE, 0),
        badWords(fields, tokenizer),
        null);
  }

  /** The tokens of each word, as it is and behind a blank, where most words stand. */
  private static List<List<Integer>> badWords(JsonFields fields, Tokenizer tokenizer) {
    Set<List<Integer>> sequences = new LinkedHashSet<>();
    List<JsonNode> words = fields.array(BAD_WORDS);
    if (words.size() > MAX_BAD_WORDS) {
      throw JsonFields.bad(BAD_WORDS, BAD_WORDS + " must hold at most " + MAX_BAD_WORDS + " words");
    }
    int index = 0;
    for (JsonNode element : words) {
      String path = BAD_WORDS + "[" + index++ + "]";
      String word = JsonFields.string(element, path);
      if (word.isBlank() || word.length() > MAX_WORD_LENGTH) {
        throw JsonFields.bad(
            path, path + " must have 1 to " + MAX_WORD_LENGTH + " characters, not all blank");
      }
      for (String spelling : List.of(word, " " + word.stripLeading())) {
        List<Integer> tokens = Arrays.stream(tokenizer.encodeLiterally(spelling)).boxed().toList();
        if (!tokens.isEmpty()) {
          sequences.add(tokens);
        }
      }
    }
    return List.copyOf(sequences);
  }

  private static Map<Integer, Double> bias(JsonFields fields, int vocabularySize) {
    JsonFields object = fields.object(BIAS);
    if (object == null) {
      return Map.of();
    }
    Map<Integer, Double> bias = new LinkedHashMap<>();
    for (String name : object.unread()) {
      bias.put(token(name, vocabularySize), object.number(name, -100, 100, 0));
    }
    if (bias.size() > MAX_BIASES) {
      throw JsonFields.bad(BIAS, BIAS + " must hold at most " + MAX_BIASES + " tokens");
    }
    return bias;
  }

  private static int token(String name, int vocabularySize) {
    try {
      int token = Integer.parseInt(name);
      if (token >= 0 && token < vocabularySize) {
        return token;
      }
    } catch (NumberFormatException e) {
      // Said below.
    }
    throw JsonFields.bad(
        BIAS, "the keys of logit_bias must be token ids below " + vocabularySize + ", not " + name);
  }

  private static List<Integer> allowed(JsonFields fields, int vocabularySize) {
    List<Integer> tokens = TokenIds.read(fields, ALLOWED, vocabularySize, vocabularySize);
    JsonNode value = fields.get(ALLOWED);
    if (value != null && tokens.isEmpty()) {
      throw JsonFields.bad(ALLOWED, ALLOWED + " must not be empty");
    }
    return tokens;
  }
}
