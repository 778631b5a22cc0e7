package dev.kappa.server.backend;

import dev.kappa.model.ModelDirectory;
import dev.kappa.text.ChatTemplate;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Finds a model's chat template. */
public final class ChatTemplates {

  private static final String DEVELOPER = "developer";

  private ChatTemplates() {}

  /**
   * The template; null if the model has none.
   *
   * @throws dev.kappa.text.TextException if it is broken
   */
  public static @Nullable ChatRenderer find(ModelDirectory directory) {
    ChatTemplate template = ChatTemplate.load(directory.path());
    return template == null ? null : renderer(template);
  }

  /**
   * A template as the server uses it. Most know nothing of OpenAI's newer name for the system's
   * role and would drop such messages, or make up tokens; those get the old name.
   */
  public static ChatRenderer renderer(ChatTemplate template) {
    boolean knowsDeveloper = template.mentions(DEVELOPER);
    ToolFormat toolFormat = ToolFormat.of(template::mentions);
    return new ChatRenderer() {
      @Override
      public String render(
          List<Map<String, Object>> messages,
          boolean addGenerationPrompt,
          Map<String, @Nullable Object> variables) {
        List<Map<String, Object>> known = knowsDeveloper ? messages : withoutDeveloper(messages);
        return template.render(known, addGenerationPrompt, variables);
      }

      @Override
      public @Nullable ToolFormat toolFormat() {
        return toolFormat;
      }
    };
  }

  private static List<Map<String, Object>> withoutDeveloper(List<Map<String, Object>> messages) {
    List<Map<String, Object>> renamed = new ArrayList<>(messages.size());
    for (Map<String, Object> message : messages) {
      if (DEVELOPER.equals(message.get("role"))) {
        Map<String, Object> copy = new LinkedHashMap<>(message);
        copy.put("role", "system");
        renamed.add(copy);
      } else {
        renamed.add(message);
      }
    }
    return renamed;
  }
}
