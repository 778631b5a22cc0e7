package dev.kappa.server.openai;

import dev.kappa.server.backend.ToolFormat;
import dev.kappa.server.http.RequestIds;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * Tells calls of tools from text in an output that arrives in pieces. A call is passed on when it
 * is complete. What looks like one but is not valid, or calls what the request does not have, is
 * text. Not thread-safe.
 */
final class ToolCallReader {

  /** What became certain: text, possibly none, and calls. */
  record Read(String text, List<ToolCall> calls) {}

  private static final String OPEN = "<tool_call>";
  private static final String CLOSE = "</tool_call>";
  private static final String MISTRAL = "[TOOL_CALLS]";

  private final Tools tools;
  private final StringBuilder held = new StringBuilder();
  private final String mark;

  /** White space before the call that is being read. */
  private String gap = "";

  private boolean inCalls;
  private boolean anyText;
  private int calls;

  ToolCallReader(Tools tools) {
    this.tools = tools;
    mark =
        switch (tools.format()) {
          case HERMES -> OPEN;
          case LLAMA -> "{";
          case MISTRAL -> MISTRAL;
        };
    inCalls = !tools.opening().isEmpty();
  }

  /** Whether there has been a call. */
  boolean anyCalls() {
    return calls > 0;
  }

  /** Takes the next piece. */
  Read append(String piece) {
    held.append(piece);
    StringBuilder text = new StringBuilder();
    List<ToolCall> found = new ArrayList<>();
    boolean further = true;
    while (further) {
      further = inCalls ? readCall(text, found) : readText(text);
    }
    return read(text, found);
  }

  /** Takes note that no more comes. */
  Read finish() {
    StringBuilder text = new StringBuilder();
    List<ToolCall> found = new ArrayList<>();
    String rest = held.toString();
    held.setLength(0);
    if (!inCalls) {
      text.append(rest);
    } else {
      List<ToolCall> last = parse(rest);
      if (last.isEmpty()) {
        text.append(gap).append(tools.format() == ToolFormat.HERMES ? OPEN : "").append(rest);
      }
      found.addAll(last);
    }
    return read(text, found);
  }

  private Read read(StringBuilder text, List<ToolCall> found) {
    // Blank lines around calls are no answer.
    String shown = (anyCalls() || !anyText) && text.toString().isBlank() ? "" : text.toString();
    anyText |= !shown.isEmpty();
    return new Read(shown, found);
  }

  /** Passes text on up to a mark, or what may be the beginning of one. */
  private boolean readText(StringBuilder text) {
    if (tools.format() == ToolFormat.LLAMA) {
      return readLlamaText(text);
    }
    int at = held.indexOf(mark);
    if (at >= 0) {
      int end = lengthWithoutSpace(at);
      gap = held.substring(end, at);
      text.append(held, 0, end);
      held.delete(0, at + mark.length());
      inCalls = true;
      return true;
    }
    take(text, lengthWithoutSpace(held.length() - beginningOfMark()));
    return false;
  }

  /** White space may belong to a call that follows. */
  private int lengthWithoutSpace(int length) {
    int end = length;
    while (end > 0 && Character.isWhitespace(held.charAt(end - 1))) {
      end--;
    }
    return end;
  }

  /** Only an answer that is an object from its beginning on is a call. */
  private boolean readLlamaText(StringBuilder text) {
    String start = held.toString().stripLeading();
    if (!anyText && start.startsWith(mark)) {
      inCalls = true;
    } else if (anyText || !start.isEmpty()) {
      take(text, held.length());
    }
    return false;
  }

  private int beginningOfMark() {
    for (int length = Math.min(held.length(), mark.length() - 1); length > 0; length--) {
      if (mark.startsWith(held.substring(held.length() - length))) {
        return length;
      }
    }
    return 0;
  }

  private void take(StringBuilder text, int end) {
    text.append(held, 0, end);
    held.delete(0, end);
  }

  /** Hermes ends each call; the others' calls are all of the rest. */
  private boolean readCall(StringBuilder text, List<ToolCall> found) {
    int end = tools.format() == ToolFormat.HERMES ? held.indexOf(CLOSE) : -1;
    if (end < 0) {
      return false;
    }
    String body = held.substring(0, end);
    held.delete(0, end + CLOSE.length());
    inCalls = false;
    List<ToolCall> parsed = parse(body);
    if (parsed.isEmpty()) {
      text.append(gap).append(OPEN).append(body).append(CLOSE);
    }
    found.addAll(parsed);
    return true;
  }

  /** The calls of a text; none if it is anything else. */
  private List<ToolCall> parse(String text) {
    JsonNode value = JsonBody.parse(text.strip());
    List<JsonNode> objects =
        value == null
            ? List.of()
            : value.isArray() ? new ArrayList<>(value.values()) : List.of(value);
    List<ToolCall> parsed = new ArrayList<>();
    for (JsonNode object : objects) {
      JsonNode name = object.get("name");
      if (name == null || !name.isString() || !tools.schemas().containsKey(name.stringValue())) {
        return List.of();
      }
      if (tools.parallel() || calls == 0) {
        parsed.add(new ToolCall(calls++, id(), name.stringValue(), arguments(object)));
      }
    }
    return parsed;
  }

  private static String arguments(JsonNode call) {
    @Nullable JsonNode arguments = call.get("arguments");
    if (arguments == null) {
      arguments = call.get("parameters");
    }
    if (arguments == null || arguments.isNull()) {
      return "{}";
    }
    return arguments.isString() ? arguments.stringValue() : arguments.toString();
  }

  private String id() {
    String random = RequestIds.random();
    // Mistral's templates take ids of nine letters and digits only.
    return tools.format() == ToolFormat.MISTRAL ? random.substring(0, 9) : "call_" + random;
  }
}
