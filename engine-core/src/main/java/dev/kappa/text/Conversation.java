package dev.kappa.text;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What a chat template is to render. Values are null, Boolean, Number, String, List and Map of
 * these.
 *
 * @param messages as in the HTTP API: {@code role}, {@code content}, {@code tool_calls} and so on
 * @param tools definitions of functions as in the HTTP API, or null
 * @param documents texts to answer from, each a mapping, usually of {@code title} and {@code text},
 *     or null
 * @param ending how the text ends
 * @param variables further variables, such as {@code enable_thinking}; they go before the special
 *     tokens of the same name, and behind everything else here
 */
public record Conversation(
    List<? extends Map<String, ? extends @Nullable Object>> messages,
    @Nullable List<? extends Map<String, ? extends @Nullable Object>> tools,
    @Nullable List<? extends Map<String, ? extends @Nullable Object>> documents,
    Ending ending,
    Map<String, ? extends @Nullable Object> variables) {

  /** How a prompt ends. */
  public enum Ending {
    /** After the last message. */
    AFTER_LAST_MESSAGE,
    /** Where the assistant's answer begins. */
    GENERATION_PROMPT,
    /** Within the last message, for the model to go on with it. */
    WITHIN_LAST_MESSAGE
  }

  /** Messages alone, which the assistant is to answer. */
  public static Conversation of(List<? extends Map<String, ? extends @Nullable Object>> messages) {
    return new Conversation(messages, null, null, Ending.GENERATION_PROMPT, Map.of());
  }

  /** The same with tools. */
  public Conversation withTools(
      @Nullable List<? extends Map<String, ? extends @Nullable Object>> tools) {
    return new Conversation(messages, tools, documents, ending, variables);
  }

  /** The same with documents. */
  public Conversation withDocuments(
      @Nullable List<? extends Map<String, ? extends @Nullable Object>> documents) {
    return new Conversation(messages, tools, documents, ending, variables);
  }

  /** The same with another ending. */
  public Conversation withEnding(Ending ending) {
    return new Conversation(messages, tools, documents, ending, variables);
  }

  /** The same with further variables in place of those it has. */
  public Conversation withVariables(Map<String, ? extends @Nullable Object> variables) {
    return new Conversation(messages, tools, documents, ending, variables);
  }
}
