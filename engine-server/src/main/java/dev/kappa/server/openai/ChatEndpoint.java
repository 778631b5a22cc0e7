package dev.kappa.server.openai;

import dev.kappa.engine.GenerationRequest;
import dev.kappa.grammar.Outline;
import dev.kappa.server.backend.ServedModel;
import dev.kappa.server.http.Endpoint;
import dev.kappa.server.http.Exchange;
import dev.kappa.server.http.RequestIds;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

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
    Tools tools = ToolFields.read(fields, model);
    SamplingFields sampling = sampling(fields, tools);
    int maxTokens = maxTokens(fields);
    int logprobs = logprobs(fields);
    OutputFields output = OutputFields.read(fields, logprobs);
    ChoiceCounts counts = ChoiceCounts.readN(fields);
    int promptTop = PromptLogprobs.read(fields, stream.stream());
    String salt = CacheSaltField.read(fields);
    Prompt prompt = prompt(fields, tools);

    int room = PromptReader.room(prompt, maxTokens, info.maxModelLength(), "messages");
    String id = "chatcmpl-" + RequestIds.random();
    List<GenerationRequest> requests = new ArrayList<>(counts.generated());
    for (int choice = 0; choice < counts.generated(); choice++) {
      requests.add(
          new GenerationRequest(
              counts.generated() == 1 ? id : id + "-" + choice,
              prompt.tokens(),
              sampling.params(choice, room, logprobs, choice == 0 ? promptTop : -1),
              salt));
    }
    AnswerHead head = new AnswerHead(id, Instant.now().getEpochSecond(), name);
    TokenLabels labels = new TokenLabels(model.backend().tokenizer(), output.tokensAsIds());
    ChatFormat format =
        new ChatFormat(
            head,
            stream,
            output,
            prompt,
            new ChatLogprobs(labels, logprobs),
            new PromptLogprobs(labels, promptTop),
            tools);
    return new Generation(exchange, serving, stream, output, format, counts, requests);
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

  private SamplingFields sampling(JsonFields fields, @Nullable Tools tools) {
    SamplingFields sampling = SamplingFields.read(fields, model);
    Outline format = FormatField.read(fields);
    if (tools == null) {
      return sampling.within(format, FormatField.NAME, serving.grammars());
    }
    if (format != null) {
      throw JsonFields.bad(
          FormatField.NAME, FormatField.NAME + " is not supported beside tools, but for text");
    }
    SamplingFields calling = sampling.within(tools.outline(), "tools", serving.grammars());
    return tools.needsSpecialTokens() ? calling.withSpecialTokens() : calling;
  }

  private Prompt prompt(JsonFields fields, @Nullable Tools tools) {
    ChatPrompt prompt = ChatPrompt.read(fields, model, tools);
    int keptTokens = PromptReader.keptTokens(fields, model.backend().info().maxModelLength());
    OtherFields.check(fields);
    // Last, because only this takes time.
    return new Prompt(PromptReader.kept(prompt.tokens(model), keptTokens), null);
  }
}
