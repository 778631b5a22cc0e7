package dev.kappa.server.openai;

import dev.kappa.server.backend.ServedModel;
import dev.kappa.server.backend.ToolFormat;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.JsonNodeFactory;

/** Reads the tools of a request, and how free the model is to call them. */
final class ToolFields {

  private static final String TOOLS = "tools";
  private static final String CHOICE = "tool_choice";

  /** As OpenAI has it. */
  private static final Pattern NAME = Pattern.compile("[a-zA-Z0-9_-]{1,64}");

  private static final int MAX_TOOLS = 128;

  private ToolFields() {}

  /** The tools; null if there are none, or none may be called. */
  static @Nullable Tools read(JsonFields fields, ServedModel model) {
    boolean parallel = fields.bool("parallel_tool_calls", true);
    Map<String, Tools.Schema> schemas = new LinkedHashMap<>();
    List<@Nullable Object> definitions = new ArrayList<>();
    List<JsonNode> elements = fields.array(TOOLS);
    if (elements.size() > MAX_TOOLS) {
      throw JsonFields.bad(TOOLS, TOOLS + " must hold at most " + MAX_TOOLS + " tools");
    }
    for (JsonNode element : elements) {
      String path = TOOLS + "[" + definitions.size() + "]";
      tool(new JsonFields(element, path), schemas);
      definitions.add(PlainValues.of(element));
    }
    JsonNode choice = fields.get(CHOICE);
    if (definitions.isEmpty()) {
      if (choice != null && !isOneOf(choice, "none", "auto")) {
        throw JsonFields.bad(CHOICE, CHOICE + " needs tools");
      }
      return null;
    }
    if (choice != null && isOneOf(choice, "none")) {
      return null;
    }
    ToolFormat format = model.chat() == null ? null : model.chat().toolFormat();
    if (format == null) {
      throw JsonFields.bad(
          TOOLS, "the model's chat template has no format of tool calls that is known");
    }
    if (choice == null || isOneOf(choice, "auto")) {
      return new Tools(format, schemas, definitions, Set.of(), parallel);
    }
    if (isOneOf(choice, "required")) {
      return new Tools(format, schemas, definitions, schemas.keySet(), parallel);
    }
    return new Tools(format, schemas, definitions, Set.of(named(fields, schemas)), false);
  }

  private static boolean isOneOf(JsonNode choice, String... values) {
    return choice.isString() && List.of(values).contains(choice.stringValue());
  }

  private static void tool(JsonFields tool, Map<String, Tools.Schema> schemas) {
    if (!"function".equals(tool.string("type"))) {
      throw JsonFields.bad(tool.path("type"), tool.path("type") + " must be function");
    }
    JsonFields function = tool.object("function");
    if (function == null) {
      throw JsonFields.bad(tool.path("function"), tool.path("function") + " is missing");
    }
    String name = function.string("name");
    String namePath = function.path("name");
    if (name == null || !NAME.matcher(name).matches()) {
      throw JsonFields.bad(
          namePath, namePath + " must be 1 to 64 letters, digits, underscores and dashes");
    }
    function.string("description");
    function.bool("strict", false);
    JsonNode parameters = function.get("parameters");
    String path = function.path("parameters");
    if (parameters != null && !parameters.isObject()) {
      throw JsonFields.wrongType(path, "an object", parameters);
    }
    function.rejectUnread();
    tool.rejectUnread();
    JsonNode schema = parameters == null ? noArguments() : parameters;
    if (schemas.put(name, new Tools.Schema(schema, path)) != null) {
      throw JsonFields.bad(namePath, "there are two tools '" + name + "'");
    }
  }

  private static JsonNode noArguments() {
    return JsonNodeFactory.instance
        .objectNode()
        .put("type", "object")
        .put("additionalProperties", false);
  }

  private static String named(JsonFields fields, Map<String, Tools.Schema> schemas) {
    JsonNode value = fields.get(CHOICE);
    if (value == null || !value.isObject()) {
      throw JsonFields.bad(
          CHOICE, CHOICE + " must be none, auto, required or {\"type\":\"function\",…}");
    }
    JsonFields choice = new JsonFields(value, CHOICE);
    JsonFields function = choice.object("function");
    String name = function == null ? null : function.string("name");
    if (!"function".equals(choice.string("type")) || function == null || name == null) {
      throw JsonFields.bad(CHOICE, CHOICE + " must be of type function and name one");
    }
    choice.rejectUnread();
    function.rejectUnread();
    if (!schemas.containsKey(name)) {
      throw JsonFields.bad(
          function.path("name"), "there is no tool '" + name + "' among the request's");
    }
    return name;
  }
}
