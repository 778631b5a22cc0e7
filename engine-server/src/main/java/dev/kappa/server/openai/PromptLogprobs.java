package dev.kappa.server.openai;

import dev.kappa.sample.TokenLogprob;
import java.util.List;
import tools.jackson.core.JsonGenerator;

/**
 * vLLM's {@code prompt_logprobs}: for each token of a prompt, its own log probability and those of
 * the likeliest tokens, by token id.
 *
 * @param top how many likely tokens are wanted; -1 for no log probabilities at all
 */
record PromptLogprobs(TokenLabels labels, int top) {

  private static final String FIELD = "prompt_logprobs";
  private static final int MAX = 20;

  /** How many likely tokens per prompt token; -1 where nobody asks. */
  static int read(JsonFields fields, boolean stream) {
    int top = fields.integer(FIELD, 0, MAX, -1);
    if (top >= 0 && stream) {
      throw JsonFields.bad(FIELD, FIELD + " cannot be streamed");
    }
    return top;
  }

  boolean wanted() {
    return top >= 0;
  }

  /**
   * Writes the field.
   *
   * @param logprobs of the prompt's second token and those after it; the first has none
   */
  void write(JsonGenerator json, List<TokenLogprob> logprobs) {
    json.writeArrayPropertyStart(FIELD);
    json.writeNull();
    for (TokenLogprob logprob : logprobs) {
      json.writeStartObject();
      write(json, logprob.token(), logprob.logprob(), logprob.rank());
      for (int i = 0; i < Math.min(top, logprob.topTokens().length); i++) {
        if (logprob.topTokens()[i] != logprob.token()) {
          write(json, logprob.topTokens()[i], logprob.topLogprobs()[i], i + 1);
        }
      }
      json.writeEndObject();
    }
    json.writeEndArray();
  }

  private void write(JsonGenerator json, int token, float logprob, int rank) {
    json.writeObjectPropertyStart(Integer.toString(token));
    json.writeNumberProperty("logprob", TokenLabels.finite(logprob));
    json.writeNumberProperty("rank", rank);
    json.writeStringProperty("decoded_token", labels.tokenizer().tokenText(token));
    json.writeEndObject();
  }
}
