package dev.kappa.server.openai;

import dev.kappa.server.backend.ToolFormat;
import dev.kappa.server.http.RequestIds;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * Tells calls of tools from text in an output that arrives in pieces. From where the name of a tool
 * and the beginning of its arguments are there, it is a call, and the arguments are passed on as
 * they come. What looks like a call but is none up to there, or calls what the request does not
 * have, is text. Not thread-safe.
 */
final class ToolCallReader {

  /** What became certain: text, possibly none, and pieces of calls. */
  record Read(String text, List<ToolCall> calls) {}

  private enum State {
    /** Outside of calls. */
    TEXT,
    /** Where a call may begin. */
    START,
    ARGUMENTS,
    /** Behind the arguments, before the call's closing brace. */
    TAIL,
    /** Behind a call. */
    AFTER
  }

  private static final String OPEN = "<tool_call>";
  private static final String CLOSE = "</tool_call>";
  private static final String MISTRAL = "[TOOL_CALLS]";

  /** A call up to the first character of its arguments, if the name comes first. */
  private static final Pattern HEAD =
      Pattern.compile(
          "\\s*+\\{\\s*+\"name\"\\s*+:\\s*+\"([a-zA-Z0-9_-]{1,64})\"\\s*+,"
              + "\\s*+\"(?:arguments|parameters)\"\\s*+:\\s*+\\{");

  private final Tools tools;
  private final StringBuilder held = new StringBuilder();
  private final String mark;

  /** White space that is part of the answer only if more of it follows. */
  private final StringBuilder unshown = new StringBuilder();

  private State state;

  /** What was taken for the beginning of a call, to be given back as text if it is none. */
  private String taken = "";

  private boolean inArray;
  private boolean anyText;
  private int calls;
  private JsonSpan span = new JsonSpan(0);

  ToolCallReader(Tools tools) {
    this.tools = tools;
    mark =
        switch (tools.format()) {
          case HERMES -> OPEN;
          case LLAMA -> "{";
          case MISTRAL -> MISTRAL;
        };
    state = tools.opening().isEmpty() ? State.TEXT : State.START;
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
      further =
          switch (state) {
            case TEXT -> readText(text);
            case START -> readStart(text, found);
            case ARGUMENTS -> readArguments(found);
            case TAIL -> readTail();
            case AFTER -> readAfter();
          };
    }
    return read(text, found);
  }

  /** Takes note that no more comes. */
  Read finish() {
    StringBuilder text = new StringBuilder();
    List<ToolCall> found = new ArrayList<>();
    String rest = held.toString();
    held.setLength(0);
    if (state == State.TEXT) {
      text.append(rest);
    } else if (state == State.START) {
      found.addAll(parse(rest));
      if (found.isEmpty()) {
        text.append(taken).append(rest);
      }
    }
    return read(text, found);
  }

  private Read read(StringBuilder text, List<ToolCall> found) {
    // Blank lines around calls are no answer, unless more of it follows.
    unshown.append(text);
    boolean around = anyCalls() || (!anyText && unshown.toString().isBlank());
    int end = around ? lengthWithoutSpace(unshown, unshown.length()) : unshown.length();
    String shown = unshown.substring(0, end);
    unshown.delete(0, end);
    anyText |= !shown.isEmpty();
    return new Read(shown, ToolCall.joined(found));
  }

  /** Passes text on up to a mark, or what may be the beginning of one. */
  private boolean readText(StringBuilder text) {
    if (tools.format() == ToolFormat.LLAMA) {
      return readLlamaText(text);
    }
    int at = held.indexOf(mark);
    if (at >= 0) {
      int end = lengthWithoutSpace(held, at);
      text.append(held, 0, end);
      // Mistral's mark is no text but a token of its own.
      taken = held.substring(end, at) + (tools.format() == ToolFormat.HERMES ? OPEN : "");
      held.delete(0, at + mark.length());
      state = State.START;
      return true;
    }
    take(text, lengthWithoutSpace(held, held.length() - beginning(mark)));
    return false;
  }

  /** White space may belong to a call that follows. */
  private static int lengthWithoutSpace(CharSequence text, int length) {
    int end = length;
    while (end > 0 && Character.isWhitespace(text.charAt(end - 1))) {
      end--;
    }
    return end;
  }

  /** Only an answer that is an object from its beginning on is a call. */
  private boolean readLlamaText(StringBuilder text) {
    int start = space();
    if (!anyText && start < held.length() && held.charAt(start) == '{') {
      state = State.START;
      return true;
    }
    if (anyText || start < held.length()) {
      take(text, held.length());
    }
    return false;
  }

  /** How much of what is held, at its end, may become a text. */
  private int beginning(String of) {
    for (int length = Math.min(held.length(), of.length() - 1); length > 0; length--) {
      if (of.startsWith(held.substring(held.length() - length))) {
        return length;
      }
    }
    return 0;
  }

  private void take(StringBuilder text, int end) {
    text.append(held, 0, end);
    held.delete(0, end);
  }

  /** Length of the white space that what is held begins with. */
  private int space() {
    int length = 0;
    while (length < held.length() && Character.isWhitespace(held.charAt(length))) {
      length++;
    }
    return length;
  }

  private boolean readStart(StringBuilder text, List<ToolCall> found) {
    if (tools.format() == ToolFormat.MISTRAL && !inArray) {
      int start = space();
      if (start < held.length() && held.charAt(start) == '[') {
        inArray = true;
        taken += held.substring(0, start + 1);
        held.delete(0, start + 1);
      }
    }
    Matcher head = HEAD.matcher(held);
    if (head.lookingAt() && isKnown(head.group(1)) && mayCall()) {
      found.add(new ToolCall(calls++, id(), head.group(1), ""));
      held.delete(0, head.end() - 1);
      taken = "";
      span = new JsonSpan(0);
      state = State.ARGUMENTS;
      return true;
    }
    int end = callEnd();
    if (end < 0) {
      return false;
    }
    String body = held.substring(0, end);
    held.delete(0, end);
    List<ToolCall> parsed = parse(body);
    if (parsed.isEmpty() && !isSurplus(body)) {
      text.append(taken).append(body);
      state = State.TEXT;
    } else {
      found.addAll(parsed);
      state = State.AFTER;
    }
    taken = "";
    return true;
  }

  /** Where a call ends whose arguments do not come behind its name; -1 if that is not known. */
  private int callEnd() {
    return switch (tools.format()) {
      case HERMES -> held.indexOf(CLOSE);
      case LLAMA -> -1;
      case MISTRAL -> inArray ? elementEnd() : -1;
    };
  }

  /** What is no object is no call. */
  private int elementEnd() {
    int start = space();
    if (start == held.length()) {
      return -1;
    }
    return held.charAt(start) == '{' ? new JsonSpan(0).end(held) : start;
  }

  private boolean readArguments(List<ToolCall> found) {
    int end = span.end(held);
    int length = end < 0 ? held.length() : end;
    if (length > 0) {
      found.add(ToolCall.more(calls - 1, held.substring(0, length)));
      held.delete(0, length);
    }
    if (end < 0) {
      return false;
    }
    span = new JsonSpan(1);
    state = State.TAIL;
    return true;
  }

  private boolean readTail() {
    int end = span.end(held);
    held.delete(0, end < 0 ? held.length() : end);
    if (end >= 0) {
      state = State.AFTER;
    }
    return end >= 0;
  }

  private boolean readAfter() {
    int start = space();
    if (start == held.length()) {
      return false;
    }
    char next = held.charAt(start);
    if (tools.format() == ToolFormat.HERMES) {
      String rest = held.substring(start, Math.min(held.length(), start + CLOSE.length()));
      if (!rest.equals(CLOSE) && CLOSE.startsWith(rest)) {
        return false;
      }
      held.delete(0, rest.equals(CLOSE) ? start + CLOSE.length() : 0);
      state = State.TEXT;
    } else if (inArray && next == ',') {
      taken = held.substring(0, start + 1);
      held.delete(0, start + 1);
      state = State.START;
    } else {
      held.delete(0, inArray && next == ']' ? start + 1 : 0);
      inArray = false;
      state = State.TEXT;
    }
    return true;
  }

  private boolean mayCall() {
    return tools.parallel() || calls == 0;
  }

  private boolean isKnown(@Nullable String name) {
    return name != null && tools.schemas().containsKey(name);
  }

  /** Whether a text is a call that is one too many, and left out. */
  private boolean isSurplus(String text) {
    return !mayCall() && !objects(text).isEmpty();
  }

  /** The calls of a text, as far as there may be any more; none if it is anything else. */
  private List<ToolCall> parse(String text) {
    List<ToolCall> parsed = new ArrayList<>();
    for (JsonNode object : objects(text)) {
      if (mayCall()) {
        String name = object.get("name").stringValue();
        parsed.add(new ToolCall(calls++, id(), name, arguments(object)));
      }
    }
    return parsed;
  }

  /** An object or several; none if one of them is no call of a known tool. */
  private List<JsonNode> objects(String text) {
    JsonNode value = JsonBody.parse(text.strip());
    if (value == null) {
      return List.of();
    }
    List<JsonNode> objects = value.isArray() ? new ArrayList<>(value.values()) : List.of(value);
    for (JsonNode object : objects) {
      JsonNode name = object.get("name");
      if (name == null || !name.isString() || !isKnown(name.stringValue())) {
        return List.of();
      }
    }
    return objects;
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
