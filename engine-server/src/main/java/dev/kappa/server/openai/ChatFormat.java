package dev.kappa.server.openai;

import dev.kappa.engine.Finish;
import dev.kappa.sample.TokenLogprob;
import dev.kappa.server.http.JsonText;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonGenerator;

/** The answer to {@code /v1/chat/completions}. */
final class ChatFormat implements ResponseFormat {

  private static final String CHUNK = "chat.completion.chunk";

  private final AnswerHead head;
  private final StreamFields stream;
  private final OutputFields output;
  private final Prompt prompt;
  private final ChatLogprobs logprobs;
  private final PromptLogprobs promptFormat;
  private List<TokenLogprob> promptLogprobs = List.of();

  ChatFormat(
      AnswerHead head,
      StreamFields stream,
      OutputFields output,
      Prompt prompt,
      ChatLogprobs logprobs,
      PromptLogprobs promptFormat) {
    this.head = head;
    this.stream = stream;
    this.output = output;
    this.prompt = prompt;
    this.logprobs = logprobs;
    this.promptFormat = promptFormat;
  }

  @Override
  public void promptLogprobs(int prompt, List<TokenLogprob> logprobs) {
    promptLogprobs = logprobs;
  }

  @Override
  public byte[] opening(int index) {
    return JsonText.of(json -> {
      begin(json, CHUNK);
      json.writeStartObject();
      json.writeNumberProperty("index", index);
      json.writeObjectPropertyStart("delta");
      json.writeStringProperty("role", "assistant");
      json.writeStringProperty("content", "");
      json.writeEndObject();
      json.writeNullProperty("logprobs");
      FinishFields.write(json, null);
      json.writeEndObject();
      json.writeEndArray();
      if (output.tokenIds()) {
        FinishFields.writeTokens(json, "prompt_token_ids", prompt.tokens());
      }
      end(json, null);
    });
  }

  @Override
  public boolean sendsTokens() {
    return output.wantsLogprobs() || output.tokenIds();
  }

  @Override
  public byte[] chunk(Part part, Finish.@Nullable Usage usage) {
    return JsonText.of(json -> {
      begin(json, CHUNK);
      json.writeStartObject();
      json.writeNumberProperty("index", part.index());
      json.writeObjectPropertyStart("delta");
      if (part.finish() == null) {
        json.writeStringProperty("content", part.text());
      }
      json.writeEndObject();
      writeRest(json, part);
      json.writeEndArray();
      end(json, usage);
    });
  }

  @Override
  public byte[] usageChunk(Finish.Usage usage) {
    return JsonText.of(json -> {
      begin(json, CHUNK);
      json.writeEndArray();
      end(json, usage);
    });
  }

  @Override
  public byte[] whole(List<Part> choices, Finish.Usage usage) {
    return JsonText.of(json -> {
      begin(json, "chat.completion");
      for (Part part : choices) {
        json.writeStartObject();
        json.writeNumberProperty("index", part.index());
        json.writeObjectPropertyStart("message");
        json.writeStringProperty("role", "assistant");
        json.writeStringProperty("content", part.text());
        json.writeNullProperty("refusal");
        json.writeEndObject();
        writeRest(json, part);
      }
      json.writeEndArray();
      if (output.tokenIds()) {
        FinishFields.writeTokens(json, "prompt_token_ids", prompt.tokens());
      }
      if (promptFormat.wanted()) {
        promptFormat.write(json, promptLogprobs);
      }
      end(json, usage);
    });
  }

  /** The rest of a choice, and its end. */
  private void writeRest(JsonGenerator json, Part part) {
    if (output.wantsLogprobs()
        && !(part.logprobs().isEmpty() && part.finish() != null && stream.stream())) {
      logprobs.write(json, part.logprobs());
    } else {
      json.writeNullProperty("logprobs");
    }
    FinishFields.write(json, part.finish());
    if (output.tokenIds()) {
      FinishFields.writeTokens(json, "token_ids", part.tokens());
    }
    json.writeEndObject();
  }

  private void begin(JsonGenerator json, String object) {
    head.write(json, object);
    json.writeArrayPropertyStart("choices");
  }

  private void end(JsonGenerator json, Finish.@Nullable Usage usage) {
    if (usage != null) {
      Usages.write(json, usage);
    } else if (stream.includeUsage()) {
      json.writeNullProperty("usage");
    }
    json.writeEndObject();
  }
}
