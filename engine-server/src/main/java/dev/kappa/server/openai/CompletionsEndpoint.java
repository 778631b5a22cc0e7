package dev.kappa.server.openai;

import dev.kappa.engine.GenerationRequest;
import dev.kappa.server.backend.ServedModel;
import dev.kappa.server.http.Endpoint;
import dev.kappa.server.http.Exchange;
import dev.kappa.server.http.RequestIds;
import dev.kappa.text.Tokenizer;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;

/** {@code POST /v1/completions}. */
public final class CompletionsEndpoint implements Endpoint {

  private static final int DEFAULT_MAX_TOKENS = 16;
  private static final int MAX_LOGPROBS = 5;

  private final Serving serving;
  private final ServedModel model;

  public CompletionsEndpoint(Serving serving) {
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
    int vocabularySize = info.model().vocabularySize();
    StreamFields stream = StreamFields.read(fields);
    SamplingFields sampling =
        SamplingFields.read(fields, model)
            .within(FormatField.read(fields), FormatField.NAME, serving.grammars());
    int maxTokens = fields.integer("max_tokens", 0, Integer.MAX_VALUE, DEFAULT_MAX_TOKENS);
    boolean echo = fields.bool("echo", false);
    if (maxTokens == 0 && !echo) {
      throw JsonFields.bad("max_tokens", "max_tokens may be 0 only with echo");
    }
    int logprobs = fields.integer("logprobs", 0, MAX_LOGPROBS, -1);
    OutputFields output = OutputFields.read(fields, logprobs);
    ChoiceCounts counts = ChoiceCounts.read(fields, stream.stream());
    int promptTop = PromptLogprobs.read(fields, stream.stream());
    String salt = CacheSaltField.read(fields);
    PromptReader reader =
        new PromptReader(
            model.backend().tokenizer(),
            vocabularySize,
            info.maxModelLength(),
            fields.bool("add_special_tokens", true),
            PromptReader.keptTokens(fields, info.maxModelLength()));
    fields.get("prompt");
    OtherFields.check(fields);
    // Last, because only this takes time.
    List<Prompt> prompts = reader.read(fields);

    String id = "cmpl-" + RequestIds.random();
    List<GenerationRequest> requests = new ArrayList<>(prompts.size() * counts.generated());
    int total = prompts.size() * counts.generated();
    // Choices are compared by the log probabilities of their tokens.
    int outputTop = counts.compared() ? Math.max(0, logprobs) : logprobs;
    for (Prompt prompt : prompts) {
      int room = PromptReader.room(prompt, maxTokens, info.maxModelLength(), "prompt");
      for (int choice = 0; choice < counts.generated(); choice++) {
        // Those that follow find the prompt's KV in the cache, and its log probabilities here.
        int top = choice > 0 ? -1 : Math.max(promptTop, echo ? logprobs : -1);
        requests.add(
            new GenerationRequest(
                total == 1 ? id : id + "-" + requests.size(),
                prompt.tokens(),
                sampling.params(choice, room, outputTop, top),
                salt));
      }
    }
    AnswerHead head = new AnswerHead(id, Instant.now().getEpochSecond(), name);
    Tokenizer tokenizer = model.backend().tokenizer();
    TokenLabels labels = new TokenLabels(tokenizer, output.tokensAsIds());
    CompletionFormat format =
        new CompletionFormat(
            head,
            stream,
            output,
            echo,
            prompts,
            counts.returned(),
            new PromptLogprobs(labels, promptTop),
            tokenizer);
    return new Generation(exchange, serving, stream, output, format, counts, requests);
  }
}
