package dev.kappa.server.openai;

import dev.kappa.engine.Finish;
import dev.kappa.sample.TokenLogprob;
import dev.kappa.server.http.JsonText;
import dev.kappa.text.Tokenizer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonGenerator;

/** The answer to {@code /v1/completions}. */
final class CompletionFormat implements ResponseFormat {

  private final AnswerHead head;
  private final StreamFields stream;
  private final OutputFields output;
  private final boolean echo;
  private final List<Prompt> prompts;
  private final Tokenizer tokenizer;
  private final List<String> shownPrompts = new ArrayList<>();
  private final List<CompletionLogprobs> logprobs = new ArrayList<>();
  private final Map<Integer, List<TokenLogprob>> promptLogprobs = new HashMap<>();

  CompletionFormat(
      AnswerHead head,
      StreamFields stream,
      OutputFields output,
      boolean echo,
      List<Prompt> prompts,
      Tokenizer tokenizer) {
    this.head = head;
    this.stream = stream;
    this.output = output;
    this.echo = echo;
    this.prompts = prompts;
    this.tokenizer = tokenizer;
    TokenLabels labels = new TokenLabels(tokenizer, output.tokensAsIds());
    for (Prompt prompt : prompts) {
      String shown = echo ? shown(prompt) : "";
      shownPrompts.add(shown);
      logprobs.add(new CompletionLogprobs(tokenizer, labels, TextOffsets.length(shown)));
    }
  }

  private String shown(Prompt prompt) {
    String text = prompt.text();
    return text != null ? text : tokenizer.decode(prompt.tokens(), false);
  }

  @Override
  public void promptLogprobs(int index, List<TokenLogprob> logprobs) {
    promptLogprobs.put(index, logprobs);
  }

  @Override
  public byte @Nullable [] opening(int index) {
    if (!echo && !output.tokenIds()) {
      return null;
    }
    addPromptLogprobs(index);
    Part part = new Part(index, shownPrompts.get(index), List.of(), List.of(), null);
    return JsonText.of(json -> {
      begin(json);
      writeChoice(json, part, true);
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
      begin(json);
      logprobs.get(part.index()).add(part.logprobs());
      writeChoice(json, part, false);
      end(json, Ending.of(usage));
    });
  }

  @Override
  public byte[] lastChunk(Ending ending) {
    return JsonText.of(json -> {
      begin(json);
      end(json, ending);
    });
  }

  @Override
  public byte[] whole(List<Part> choices, Ending ending) {
    return JsonText.of(json -> {
      begin(json);
      for (Part part : choices) {
        addPromptLogprobs(part.index());
        logprobs.get(part.index()).add(part.logprobs());
        String text = shownPrompts.get(part.index()) + part.text();
        writeChoice(
            json,
            new Part(part.index(), text, part.tokens(), part.logprobs(), part.finish()),
            true);
      }
      end(json, ending);
    });
  }

  private void addPromptLogprobs(int index) {
    if (echo && output.wantsLogprobs()) {
      logprobs
          .get(index)
          .addPrompt(
              prompts.get(index),
              shownPrompts.get(index),
              promptLogprobs.getOrDefault(index, List.of()),
              tokenizer);
    }
  }

  private void begin(JsonGenerator json) {
    head.write(json, "text_completion");
    json.writeArrayPropertyStart("choices");
  }

  private void writeChoice(JsonGenerator json, Part part, boolean withPrompt) {
    json.writeStartObject();
    json.writeNumberProperty("index", part.index());
    json.writeStringProperty("text", part.text());
    if (output.wantsLogprobs()) {
      logprobs.get(part.index()).write(json);
    } else {
      json.writeNullProperty("logprobs");
    }
    FinishFields.write(json, part.finish());
    if (output.tokenIds()) {
      if (withPrompt) {
        FinishFields.writeTokens(json, "prompt_token_ids", prompts.get(part.index()).tokens());
      }
      FinishFields.writeTokens(json, "token_ids", part.tokens());
    }
    json.writeEndObject();
  }

  private void end(JsonGenerator json, Ending ending) {
    json.writeEndArray();
    ending.write(json, stream);
  }
}
