package dev.kappa.server.openai;

import dev.kappa.server.backend.ServedModel;
import dev.kappa.server.http.Exchange;
import dev.kappa.server.http.JsonText;
import dev.kappa.text.TextException;
import dev.kappa.text.Tokenizer;
import java.util.List;

/** {@code POST /tokenize} and {@code POST /detokenize}, as in vLLM. */
public final class TokenizeEndpoints {

  private static final String PROMPT = "prompt";
  private static final String TOKENS = "tokens";

  private final ServedModel model;
  private final Tokenizer tokenizer;

  public TokenizeEndpoints(ServedModel model) {
    this.model = model;
    tokenizer = model.backend().tokenizer();
  }

  /** The tokens of a text, or of a conversation under the chat template. */
  public void tokenize(Exchange exchange) {
    JsonFields fields = JsonBody.read(exchange.call());
    ModelField.read(fields, model);
    boolean texts = fields.bool("return_token_strs", false);
    int[] tokens = fields.get(PROMPT) == null ? conversation(fields) : text(fields);
    exchange.respond(
        200,
        JsonText.of(json -> {
          json.writeStartObject();
          json.writeNumberProperty("count", tokens.length);
          json.writeNumberProperty("max_model_len", model.backend().info().maxModelLength());
          FinishFields.writeTokens(json, TOKENS, tokens);
          if (texts) {
            json.writeArrayPropertyStart("token_strs");
            for (int token : tokens) {
              json.writeString(tokenizer.tokenText(token));
            }
            json.writeEndArray();
          } else {
            json.writeNullProperty("token_strs");
          }
          json.writeEndObject();
        }));
  }

  private int[] text(JsonFields fields) {
    String text = fields.string(PROMPT);
    boolean addSpecialTokens = fields.bool("add_special_tokens", true);
    fields.rejectUnread();
    TokenizerLimits.check(String.valueOf(text), model.backend().info().maxModelLength(), PROMPT);
    try {
      return tokenizer.encode(String.valueOf(text), addSpecialTokens);
    } catch (TextException e) {
      throw JsonFields.bad(PROMPT, String.valueOf(e.getMessage()));
    }
  }

  private int[] conversation(JsonFields fields) {
    if (fields.get(ChatPrompt.MESSAGES) == null) {
      throw JsonFields.bad(PROMPT, "prompt or messages is missing");
    }
    ChatPrompt prompt = ChatPrompt.read(fields, model, ToolFields.read(fields, model));
    fields.rejectUnread();
    return prompt.tokens(model);
  }

  /** The text of tokens. */
  public void detokenize(Exchange exchange) {
    JsonFields fields = JsonBody.read(exchange.call());
    ModelField.read(fields, model);
    if (fields.get(TOKENS) == null) {
      throw JsonFields.bad(TOKENS, "tokens is missing");
    }
    int vocabularySize = model.backend().info().model().vocabularySize();
    int most = TokenizerLimits.tokens(model.backend().info().maxModelLength());
    List<Integer> tokens = TokenIds.read(fields, TOKENS, most, vocabularySize);
    fields.rejectUnread();
    String text = tokenizer.decode(tokens.stream().mapToInt(Integer::intValue).toArray(), false);
    exchange.respond(
        200,
        JsonText.of(json -> {
          json.writeStartObject();
          json.writeStringProperty(PROMPT, text);
          json.writeEndObject();
        }));
  }
}
