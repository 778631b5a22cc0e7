package dev.kappa.server.openai;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** Reads the messages of a conversation into what chat templates see. */
final class ChatMessages {

  private static final String FIELD = "messages";
  private static final Set<String> ROLES =
      Set.of("system", "developer", "user", "assistant", "tool");

  private ChatMessages() {}

  static List<Map<String, Object>> read(JsonFields fields) {
    JsonNode value = fields.get(FIELD);
    if (value == null) {
      throw JsonFields.bad(FIELD, "messages is missing");
    }
    if (!value.isArray()) {
      throw JsonFields.wrongType(FIELD, "an array", value);
    }
    if (value.isEmpty()) {
      throw JsonFields.bad(FIELD, "messages must not be empty");
    }
    List<Map<String, Object>> messages = new ArrayList<>(value.size());
    for (JsonNode element : value.values()) {
      messages.add(message(new JsonFields(element, FIELD + "[" + messages.size() + "]")));
    }
    return messages;
  }

  private static Map<String, Object> message(JsonFields fields) {
    Map<String, Object> message = new LinkedHashMap<>();
    String role = role(fields);
    message.put("role", role);
    List<Object> toolCalls = ToolCalls.read(fields);
    if (!toolCalls.isEmpty() && !role.equals("assistant")) {
      throw JsonFields.bad(fields.path("tool_calls"), "only the assistant calls tools");
    }
    String content = content(fields);
    if (content == null && toolCalls.isEmpty()) {
      throw JsonFields.bad(fields.path("content"), fields.path("content") + " is missing");
    }
    message.put("content", content == null ? "" : content);
    if (!toolCalls.isEmpty()) {
      message.put("tool_calls", toolCalls);
    }
    for (String name : List.of("name", "tool_call_id", "reasoning_content")) {
      String text = fields.string(name);
      if (text != null) {
        message.put(name, text);
      }
    }
    if (fields.string("refusal") != null) {
      throw JsonFields.bad(fields.path("refusal"), "refusals are not supported");
    }
    fields.rejectUnread();
    return message;
  }

  private static String role(JsonFields fields) {
    String role = fields.string("role");
    String path = fields.path("role");
    if (role == null) {
      throw JsonFields.bad(path, path + " is missing");
    }
    if (!ROLES.contains(role)) {
      throw JsonFields.bad(path, path + " must be one of system, developer, user, assistant, tool");
    }
    return role;
  }

  /** The text; parts are joined by line breaks, as vLLM does. */
  private static @Nullable String content(JsonFields fields) {
    JsonNode value = fields.get("content");
    String path = fields.path("content");
    if (value == null || value.isString()) {
      return value == null ? null : JsonFields.string(value, path);
    }
    if (!value.isArray()) {
      throw JsonFields.wrongType(path, "a string or an array of parts", value);
    }
    List<String> texts = new ArrayList<>();
    for (JsonNode element : value.values()) {
      JsonFields part = new JsonFields(element, path + "[" + texts.size() + "]");
      String type = part.string("type");
      if (!"text".equals(type)) {
        throw JsonFields.bad(
            part.path("type"), part.path("type") + " must be text; the model reads nothing else");
      }
      String text = part.string("text");
      if (text == null) {
        throw JsonFields.bad(part.path("text"), part.path("text") + " is missing");
      }
      part.rejectUnread();
      texts.add(text);
    }
    return String.join("\n", texts);
  }
}
