package dev.kappa.server.openai;

import dev.kappa.server.http.ApiError;
import dev.kappa.server.http.ApiException;
import dev.kappa.text.TextException;
import dev.kappa.text.Tokenizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import tools.jackson.databind.JsonNode;

/**
 * Reads the prompts of a completion: a string, strings, token ids, or lists of token ids.
 *
 * @param maxLength longest sequence in tokens
 * @param keptTokens of longer prompts only so many last tokens are kept
 */
record PromptReader(
    Tokenizer tokenizer,
    int vocabularySize,
    int maxLength,
    boolean addSpecialTokens,
    int keptTokens) {

  private static final String FIELD = "prompt";
  private static final int MAX_PROMPTS = 2048;

  /** How many last tokens of a prompt are kept; all where nobody says. */
  static int keptTokens(JsonFields fields, int maxLength) {
    return fields.integer("truncate_prompt_tokens", 1, maxLength, Integer.MAX_VALUE);
  }

  /** The last tokens of a prompt, as many as are kept. */
  static int[] kept(int[] tokens, int count) {
    return tokens.length <= count
        ? tokens
        : Arrays.copyOfRange(tokens, tokens.length - count, tokens.length);
  }

  List<Prompt> read(JsonFields fields) {
    JsonNode value = fields.get(FIELD);
    if (value == null) {
      throw JsonFields.bad(FIELD, "prompt is missing");
    }
    if (value.isString()) {
      return List.of(text(value, FIELD));
    }
    if (!value.isArray()) {
      throw JsonFields.wrongType(
          FIELD, "a string, an array of strings, token ids or an array of token ids", value);
    }
    if (value.isEmpty()) {
      throw JsonFields.bad(FIELD, "prompt must not be empty");
    }
    if (value.get(0).isIntegralNumber()) {
      return List.of(tokens(value, FIELD));
    }
    if (value.size() > MAX_PROMPTS) {
      throw JsonFields.bad(FIELD, "prompt must hold at most " + MAX_PROMPTS + " prompts");
    }
    List<Prompt> prompts = new ArrayList<>(value.size());
    for (JsonNode element : value.values()) {
      String path = FIELD + "[" + prompts.size() + "]";
      prompts.add(element.isArray() ? tokens(element, path) : text(element, path));
    }
    return prompts;
  }

  private Prompt text(JsonNode value, String path) {
    String text = JsonFields.string(value, path);
    TokenizerLimits.check(text, maxLength, path);
    try {
      int[] tokens = tokenizer.encode(text, addSpecialTokens);
      return checked(new Prompt(tokens, text), path);
    } catch (TextException e) {
      throw JsonFields.bad(path, String.valueOf(e.getMessage()));
    }
  }

  private Prompt tokens(JsonNode array, String path) {
    int[] tokens = new int[array.size()];
    int i = 0;
    for (JsonNode element : array.values()) {
      String elementPath = path + "[" + i + "]";
      tokens[i++] = (int) JsonFields.integer(element, elementPath, 0, vocabularySize - 1L);
    }
    return checked(new Prompt(tokens, null), path);
  }

  private Prompt checked(Prompt whole, String path) {
    int[] kept = kept(whole.tokens(), keptTokens);
    Prompt prompt = kept == whole.tokens() ? whole : new Prompt(kept, null);
    if (prompt.tokens().length == 0) {
      throw JsonFields.bad(path, path + " must not be empty");
    }
    checkLength(prompt, 0, maxLength, path);
    return prompt;
  }

  private static void checkLength(Prompt prompt, int output, int maxLength, String path) {
    int tokens = prompt.tokens().length;
    if (tokens > maxLength - output) {
      throw new ApiException(
          ApiError.badField(
              path,
              "context_length_exceeded",
              "the prompt has %d tokens, the model's context holds %d, output included"
                  .formatted(tokens, maxLength)));
    }
  }

  /** Tokens that may be generated after a prompt; at least one must fit where any is wanted. */
  static int room(Prompt prompt, int maxTokens, int maxLength, String path) {
    if (maxTokens == 0) {
      return 0;
    }
    checkLength(prompt, 1, maxLength, path);
    return Math.min(maxTokens, maxLength - prompt.tokens().length);
  }
}
