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

  ChatFormat(
      AnswerHead head,
      StreamFields stream,
      OutputFields output,
      Prompt prompt,
      ChatLogprobs logprobs) {
    this.head = head;
    this.stream = stream;
    this.output = output;
    this.prompt = prompt;
    this.logprobs = logprobs;
  }

  @Override
  public void promptLogprobs(int index, List<TokenLogprob> logprobs) {
    throw new IllegalStateException("a chat does not ask for its prompt's log probabilities");
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
      end(json, Ending.of(null));
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
      end(json, Ending.of(usage));
    });
  }

  @Override
  public byte[] lastChunk(Ending ending) {
    return JsonText.of(json -> {
      begin(json, CHUNK);
      json.writeEndArray();
      end(json, ending);
    });
  }

  @Override
  public byte[] whole(List<Part> choices, Ending ending) {
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
      end(json, ending);
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

  private void end(JsonGenerator json, Ending ending) {
    ending.write(json, stream);
  }
}
