package dev.kappa.server.openai;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import tools.jackson.databind.JsonNode;

/** Reads the tool calls of an earlier turn. */
final class ToolCalls {

  private ToolCalls() {}

  static List<Object> read(JsonFields message) {
    List<Object> calls = new ArrayList<>();
    for (JsonNode element : message.array("tool_calls")) {
      JsonFields call =
          new JsonFields(element, message.path("tool_calls") + "[" + calls.size() + "]");
      Map<String, Object> read = new LinkedHashMap<>();
      String id = call.string("id");
      if (id != null) {
        read.put("id", id);
      }
      String type = call.string("type");
      if (type != null && !type.equals("function")) {
        throw JsonFields.bad(call.path("type"), call.path("type") + " must be function");
      }
      read.put("type", "function");
      read.put("function", function(call));
      call.get("index");
      call.rejectUnread();
      calls.add(read);
    }
    return calls;
  }

  private static Map<String, Object> function(JsonFields call) {
    JsonFields function = call.object("function");
    String name = function == null ? null : function.string("name");
    if (function == null || name == null) {
      throw JsonFields.bad(call.path("function"), call.path("function") + " must have a name");
    }
    Map<String, Object> read = new LinkedHashMap<>();
    read.put("name", name);
    String arguments = function.string("arguments");
    if (arguments != null) {
      // Templates expect the object that the API carries as a string.
      JsonNode parsed = JsonBody.parseObject(arguments);
      if (parsed == null) {
        String path = function.path("arguments");
        throw JsonFields.bad(path, path + " must be a JSON object in a string");
      }
      read.put("arguments", PlainValues.of(parsed));
    }
    function.rejectUnread();
    return read;
  }
}
