package dev.kappa.server.backend;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Turns a conversation into a prompt. Thread-safe. */
@FunctionalInterface
public interface ChatRenderer {

  /**
   * The prompt's text.
   *
   * @param messages each with {@code role}, {@code content} and what else the client sent, as
   *     strings, numbers, booleans, lists, maps and null
   * @param addGenerationPrompt whether the assistant's turn is opened at the end
   * @param variables what else the template may ask for
   * @throws dev.kappa.text.TextException if the template rejects the conversation or fails on it
   */
  String render(
      List<Map<String, Object>> messages,
      boolean addGenerationPrompt,
      Map<String, @Nullable Object> variables);

  /** How the model writes calls of tools; null if that is not known. */
  default @Nullable ToolFormat toolFormat() {
    return null;
  }
}
