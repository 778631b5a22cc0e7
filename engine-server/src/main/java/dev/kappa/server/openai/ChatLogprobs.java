package dev.kappa.server.openai;

import dev.kappa.sample.TokenLogprob;
import java.util.List;
import tools.jackson.core.JsonGenerator;

/**
 * Writes the {@code logprobs} object of a chat choice.
 *
 * @param top how many likely tokens to write per token
 */
record ChatLogprobs(TokenLabels labels, int top) {

  void write(JsonGenerator json, List<TokenLogprob> logprobs) {
    json.writeObjectPropertyStart("logprobs");
    json.writeArrayPropertyStart("content");
    for (TokenLogprob logprob : logprobs) {
      json.writeStartObject();
      writeToken(json, logprob.token(), logprob.logprob());
      json.writeArrayPropertyStart("top_logprobs");
      for (int i = 0; i < Math.min(top, logprob.topTokens().length); i++) {
        json.writeStartObject();
        writeToken(json, logprob.topTokens()[i], logprob.topLogprobs()[i]);
        json.writeEndObject();
      }
      json.writeEndArray();
      json.writeEndObject();
    }
    json.writeEndArray();
    json.writeNullProperty("refusal");
    json.writeEndObject();
  }

  private void writeToken(JsonGenerator json, int token, float logprob) {
    json.writeStringProperty("token", labels.of(token));
    json.writeNumberProperty("logprob", TokenLabels.finite(logprob));
    json.writeArrayPropertyStart("bytes");
    for (byte b : labels.tokenizer().tokenBytes(token)) {
      json.writeNumber(b & 0xff);
    }
    json.writeEndArray();
  }
}
