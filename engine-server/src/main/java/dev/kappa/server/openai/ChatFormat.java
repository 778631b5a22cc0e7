package dev.kappa.server.openai;

import dev.kappa.engine.Finish;
import dev.kappa.sample.TokenLogprob;
import dev.kappa.server.http.JsonText;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
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
  private final @Nullable Tools tools;
  private final Map<Integer, ToolCallReader> readers = new HashMap<>();
  private List<TokenLogprob> promptLogprobs = List.of();

  ChatFormat(
      AnswerHead head,
      StreamFields stream,
      OutputFields output,
      Prompt prompt,
      ChatLogprobs logprobs,
      PromptLogprobs promptFormat,
      @Nullable Tools tools) {
    this.head = head;
    this.stream = stream;
    this.output = output;
    this.prompt = prompt;
    this.logprobs = logprobs;
    this.promptFormat = promptFormat;
    this.tools = tools;
  }

  /** What a piece says, calls apart from text. */
  private ToolCallReader.Read read(Part part) {
    ToolCallReader reader = reader(part.index());
    if (reader == null) {
      return new ToolCallReader.Read(part.text(), List.of());
    }
    ToolCallReader.Read read = reader.append(part.text());
    if (part.finish() == null) {
      return read;
    }
    ToolCallReader.Read last = reader.finish();
    List<ToolCall> calls = new ArrayList<>(read.calls());
    calls.addAll(last.calls());
    return new ToolCallReader.Read(read.text() + last.text(), ToolCall.joined(calls));
  }

  private @Nullable ToolCallReader reader(int index) {
    Tools own = tools;
    return own == null ? null : readers.computeIfAbsent(index, unused -> new ToolCallReader(own));
  }

  private boolean hasCalled(int index) {
    ToolCallReader reader = reader(index);
    return reader != null && reader.anyCalls();
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
      end(json, Ending.of(null));
    });
  }

  @Override
  public boolean sendsTokens() {
    return output.wantsLogprobs() || output.tokenIds();
  }

  @Override
  public byte @Nullable [] chunk(Part part, Finish.@Nullable Usage usage) {
    ToolCallReader.Read read = read(part);
    boolean nothing = read.text().isEmpty() && read.calls().isEmpty();
    if (nothing && part.finish() == null && !sendsTokens()) {
      return null;
    }
    return JsonText.of(json -> {
      begin(json, CHUNK);
      json.writeStartObject();
      json.writeNumberProperty("index", part.index());
      json.writeObjectPropertyStart("delta");
      if (!read.text().isEmpty() || (part.finish() == null && read.calls().isEmpty())) {
        json.writeStringProperty("content", read.text());
      }
      writeCalls(json, read.calls(), true);
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
        ToolCallReader.Read read = read(part);
        json.writeStartObject();
        json.writeNumberProperty("index", part.index());
        json.writeObjectPropertyStart("message");
        json.writeStringProperty("role", "assistant");
        if (read.text().isEmpty() && !read.calls().isEmpty()) {
          json.writeNullProperty("content");
        } else {
          json.writeStringProperty("content", read.text());
        }
        json.writeNullProperty("refusal");
        writeCalls(json, read.calls(), false);
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
      end(json, ending);
    });
  }

  private static void writeCalls(JsonGenerator json, List<ToolCall> calls, boolean withIndex) {
    if (!calls.isEmpty()) {
      json.writeArrayPropertyStart("tool_calls");
      calls.forEach(call -> call.write(json, withIndex));
      json.writeEndArray();
    }
  }

  /** The rest of a choice, and its end. */
  private void writeRest(JsonGenerator json, Part part) {
    if (output.wantsLogprobs()
        && !(part.logprobs().isEmpty() && part.finish() != null && stream.stream())) {
      logprobs.write(json, part.logprobs());
    } else {
      json.writeNullProperty("logprobs");
    }
    FinishFields.write(json, part.finish(), hasCalled(part.index()));
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
