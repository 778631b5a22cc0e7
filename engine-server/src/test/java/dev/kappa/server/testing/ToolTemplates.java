package dev.kappa.server.testing;

import dev.kappa.server.backend.ChatRenderer;
import dev.kappa.server.backend.ChatTemplates;
import dev.kappa.text.ChatTemplate;
import java.util.Map;

/** Small chat templates with tools, in the formats of well-known models. */
public final class ToolTemplates {

  private static final String TURNS =
      "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}{% for c in m.tool_calls or [] %}"
          + "{{ c.function | tojson }}{% endfor %}<|end|>{% endfor %}<|assistant|>";

  /** What Hermes' and Qwen's say. */
  public static final String HERMES =
      "<|bos|>{% if tools %}<|system|>{% for t in tools %}{{ t | tojson }}{% endfor %} Answer as"
          + " <tool_call>{\"name\": …, \"arguments\": …}</tool_call><|end|>{% endif %}"
          + TURNS;

  public static final String LLAMA =
      "{% if tools %}<|start_header_id|>{% for t in tools %}{{ t | tojson }}{% endfor %}"
          + "{\"name\": …, \"parameters\": …}{% endif %}"
          + TURNS;

  public static final String MISTRAL =
      "{% if tools %}[AVAILABLE_TOOLS]{{ tools | tojson }}{% endif %}"
          + "{% if messages[-1].tool_calls %}[TOOL_CALLS]{% endif %}"
          + TURNS;

  /** Of a format that nobody knows. */
  public static final String OTHER = "{% if tools %}{{ tools }}{% endif %}" + TURNS;

  private ToolTemplates() {}

  public static ChatRenderer renderer(String template) {
    return ChatTemplates.renderer(ChatTemplate.parse(template, Map.of()));
  }
}
