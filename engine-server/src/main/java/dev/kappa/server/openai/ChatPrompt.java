package dev.kappa.server.openai;

import dev.kappa.server.backend.ChatRenderer;
import dev.kappa.server.backend.ServedModel;
import dev.kappa.text.TextException;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * The part of a request that becomes the prompt of a conversation.
 *
 * @param renderer the model's template
 * @param messages what it renders
 * @param addGenerationPrompt whether it opens the assistant's turn
 * @param addSpecialTokens whether the tokenizer adds its own; templates write them themselves
 * @param variables what else the template sees
 * @param opening what the assistant's turn begins with; may be empty
 */
record ChatPrompt(
    ChatRenderer renderer,
    List<Map<String, Object>> messages,
    boolean addGenerationPrompt,
    boolean addSpecialTokens,
    Map<String, @Nullable Object> variables,
    String opening) {

  static final String MESSAGES = "messages";

  static ChatPrompt read(JsonFields fields, ServedModel model, @Nullable Tools tools) {
    ChatRenderer renderer = model.chat();
    if (renderer == null) {
      throw JsonFields.bad(MESSAGES, "the model has no chat template; use /v1/completions instead");
    }
    List<Map<String, Object>> messages = ChatMessages.read(fields);
    boolean addGenerationPrompt = fields.bool("add_generation_prompt", true);
    boolean addSpecialTokens = fields.bool("add_special_tokens", false);
    JsonNode extra = fields.get("chat_template_kwargs");
    if (extra != null && !extra.isObject()) {
      throw JsonFields.wrongType("chat_template_kwargs", "an object", extra);
    }
    Map<String, @Nullable Object> variables = extra == null ? Map.of() : PlainValues.object(extra);
    return new ChatPrompt(
        renderer,
        messages,
        addGenerationPrompt,
        addSpecialTokens,
        tools == null ? variables : tools.addTo(variables),
        tools == null ? "" : tools.opening());
  }

  /**
   * The tokens. Takes time.
   *
   * @throws dev.kappa.server.http.ApiException if the template refuses the conversation, or it is
   *     too long to be tokenized
   */
  int[] tokens(ServedModel model) {
    int[] tokens;
    try {
      String text = renderer.render(messages, addGenerationPrompt, variables) + opening;
      TokenizerLimits.check(text, model.backend().info().maxModelLength(), MESSAGES);
      tokens = model.backend().tokenizer().encode(text, addSpecialTokens);
    } catch (TextException e) {
      throw JsonFields.bad(MESSAGES, String.valueOf(e.getMessage()));
    }
    if (tokens.length == 0) {
      throw JsonFields.bad(MESSAGES, "the messages make an empty prompt");
    }
    return tokens;
  }
}
