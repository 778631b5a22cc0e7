package dev.kappa.server.openai;

import dev.kappa.sample.TokenLogprob;
import dev.kappa.text.Tokenizer;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonGenerator;

/**
 * Collects and writes the {@code logprobs} object of one completion choice: parallel arrays over
 * its tokens. Not thread-safe.
 */
final class CompletionLogprobs {

  private record Row(int token, int offset, @Nullable TokenLogprob logprob) {}

  private final TokenLabels labels;
  private final int top;
  private final TextOffsets offsets;
  private final List<Row> rows = new ArrayList<>();

  /**
   * @param top how many likely tokens to write per token
   * @param start characters of the choice's text before its first generated token
   */
  CompletionLogprobs(Tokenizer tokenizer, TokenLabels labels, int top, int start) {
    this.labels = labels;
    this.top = top;
    this.offsets = new TextOffsets(tokenizer.newDecoder(true), start);
  }

  /**
   * Adds an echoed prompt. Its first token has no log probability.
   *
   * @param shown the prompt as it stands in the choice's text
   */
  void addPrompt(Prompt prompt, String shown, List<TokenLogprob> logprobs, Tokenizer tokenizer) {
    if (logprobs.size() != prompt.tokens().length - 1) {
      throw new IllegalStateException(
          "%d prompt tokens came with %d log probabilities"
              .formatted(prompt.tokens().length, logprobs.size()));
    }
    // A tokenizer's own prefix (BOS) is no part of what the client wrote.
    int hidden =
        prompt.text() == null
            ? 0
            : TextOffsets.length(tokenizer.decode(prompt.tokens(), false))
                - TextOffsets.length(shown);
    TextOffsets promptOffsets = new TextOffsets(tokenizer.newDecoder(false), -Math.max(0, hidden));
    for (int i = 0; i < prompt.tokens().length; i++) {
      int token = prompt.tokens()[i];
      rows.add(new Row(token, promptOffsets.next(token), i == 0 ? null : logprobs.get(i - 1)));
    }
  }

  void add(List<TokenLogprob> logprobs) {
    for (TokenLogprob logprob : logprobs) {
      rows.add(new Row(logprob.token(), offsets.next(logprob.token()), logprob));
    }
  }

  /** Writes what was added since the last call. */
  void write(JsonGenerator json) {
    json.writeObjectPropertyStart("logprobs");
    json.writeArrayPropertyStart("tokens");
    rows.forEach(row -> json.writeString(labels.of(row.token())));
    json.writeEndArray();
    json.writeArrayPropertyStart("token_logprobs");
    rows.forEach(row -> writeLogprob(json, row.logprob()));
    json.writeEndArray();
    json.writeArrayPropertyStart("top_logprobs");
    rows.forEach(row -> writeTop(json, row.logprob()));
    json.writeEndArray();
    json.writeArrayPropertyStart("text_offset");
    rows.forEach(row -> json.writeNumber(row.offset()));
    json.writeEndArray();
    json.writeEndObject();
    rows.clear();
  }

  private static void writeLogprob(JsonGenerator json, @Nullable TokenLogprob logprob) {
    if (logprob == null) {
      json.writeNull();
    } else {
      json.writeNumber(TokenLabels.finite(logprob.logprob()));
    }
  }

  /** The likeliest tokens and the token itself, so that there may be one more than asked for. */
  private void writeTop(JsonGenerator json, @Nullable TokenLogprob logprob) {
    if (logprob == null) {
      json.writeNull();
      return;
    }
    SequencedMap<String, Float> likely = new LinkedHashMap<>();
    for (int i = 0; i < Math.min(top, logprob.topTokens().length); i++) {
      likely.putIfAbsent(labels.of(logprob.topTokens()[i]), logprob.topLogprobs()[i]);
    }
    likely.putIfAbsent(labels.of(logprob.token()), logprob.logprob());
    json.writeStartObject();
    for (Map.Entry<String, Float> entry : likely.entrySet()) {
      json.writeNumberProperty(entry.getKey(), TokenLabels.finite(entry.getValue()));
    }
    json.writeEndObject();
  }
}
