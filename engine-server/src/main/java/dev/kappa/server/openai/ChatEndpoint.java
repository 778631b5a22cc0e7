package dev.kappa.server.openai;

import dev.kappa.engine.GenerationRequest;
import dev.kappa.server.backend.ChatRenderer;
import dev.kappa.server.backend.ServedModel;
import dev.kappa.server.http.Endpoint;
import dev.kappa.server.http.Exchange;
import dev.kappa.server.http.RequestIds;
import dev.kappa.text.TextException;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** {@code POST /v1/chat/completions}. */
public final class ChatEndpoint implements Endpoint {

  private static final int MAX_TOP_LOGPROBS = 20;

  private final Serving serving;
  private final ServedModel model;

  public ChatEndpoint(Serving serving) {
    this.serving = serving;
    model = serving.model();
  }

  @Override
  public void handle(Exchange exchange) {
    serving.admit(() -> generation(exchange));
  }

  private Generation generation(Exchange exchange) {
    JsonFields fields = JsonBody.read(exchange.call());
    String name = ModelField.read(fields, model);
    var info = model.backend().info();
    StreamFields stream = StreamFields.read(fields);
    SamplingFields sampling =
        SamplingFields.read(fields, model.defaults(), info.model().vocabularySize());
    int maxTokens = maxTokens(fields);
    int logprobs = logprobs(fields);
    OutputFields output = OutputFields.read(fields, logprobs);
    String salt = CacheSaltField.read(fields);
    Prompt prompt = prompt(fields);

    int room = PromptReader.room(prompt, maxTokens, info.maxModelLength(), "messages");
    String id = "chatcmpl-" + RequestIds.random();
    GenerationRequest request =
        new GenerationRequest(id, prompt.tokens(), sampling.params(room, logprobs, -1), salt);
    AnswerHead head = new AnswerHead(id, Instant.now().getEpochSecond(), name);
    TokenLabels labels = new TokenLabels(model.backend().tokenizer(), output.tokensAsIds());
    ChatFormat format =
        new ChatFormat(head, stream, output, prompt, new ChatLogprobs(labels, logprobs));
    return new Generation(exchange, serving, stream, output, format, List.of(request));
  }

  /** The newer field wins. */
  private int maxTokens(JsonFields fields) {
    int otherwise = model.defaults().chatTokens();
    int old = fields.integer("max_tokens", 1, Integer.MAX_VALUE, otherwise);
    return fields.integer("max_completion_tokens", 1, Integer.MAX_VALUE, old);
  }

  private static int logprobs(JsonFields fields) {
    boolean wanted = fields.bool("logprobs", false);
    int top = fields.integer("top_logprobs", 0, MAX_TOP_LOGPROBS, 0);
    if (top > 0 && !wanted) {
      throw JsonFields.bad("top_logprobs", "top_logprobs needs logprobs to be true");
    }
    return wanted ? top : -1;
  }

  private Prompt prompt(JsonFields fields) {
    ChatRenderer renderer = model.chat();
    if (renderer == null) {
      throw JsonFields.bad(
          "messages", "the model has no chat template; use /v1/completions instead");
    }
    List<Map<String, Object>> messages = ChatMessages.read(fields);
    boolean addGenerationPrompt = fields.bool("add_generation_prompt", true);
    boolean addSpecialTokens = fields.bool("add_special_tokens", false);
    JsonNode extra = fields.get("chat_template_kwargs");
    if (extra != null && !extra.isObject()) {
      throw JsonFields.wrongType("chat_template_kwargs", "an object", extra);
    }
    OtherFields.check(fields);
    Map<String, @Nullable Object> variables = extra == null ? Map.of() : PlainValues.object(extra);
    int[] tokens;
    try {
      String text = renderer.render(messages, addGenerationPrompt, variables);
      tokens = model.backend().tokenizer().encode(text, addSpecialTokens);
    } catch (TextException e) {
      throw JsonFields.bad("messages", String.valueOf(e.getMessage()));
    }
    if (tokens.length == 0) {
      throw JsonFields.bad("messages", "the messages make an empty prompt");
    }
    return new Prompt(tokens, null);
  }
}
