package dev.kappa.server.backend;

import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** How a model writes calls of tools. */
public enum ToolFormat {
  /**
   * Hermes and Qwen: {@code <tool_call>}, an object with {@code name} and {@code arguments}, {@code
   * </tool_call>}; once for each call.
   */
  HERMES,
  /** Llama 3.1 to 3.3: the answer is an object with {@code name} and {@code parameters}. */
  LLAMA,
  /**
   * Mistral: {@code [TOOL_CALLS]}, then an array of objects with {@code name} and {@code
   * arguments}.
   */
  MISTRAL;

  /**
   * The format that a chat template speaks of.
   *
   * @param mentions whether a text occurs in the template
   * @return null if it speaks of none that is known
   */
  static @Nullable ToolFormat of(Predicate<String> mentions) {
    if (mentions.test("<tool_call>") && mentions.test("arguments")) {
      return HERMES;
    }
    // From their 11th version on, Mistral's tokenizers have another format, with [ARGS].
    if (mentions.test("[TOOL_CALLS]") && !mentions.test("[ARGS]")) {
      return MISTRAL;
    }
    if (mentions.test("<|start_header_id|>") && mentions.test("\"parameters\": ")) {
      return LLAMA;
    }
    return null;
  }
}
