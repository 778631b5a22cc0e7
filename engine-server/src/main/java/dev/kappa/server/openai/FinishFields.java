package dev.kappa.server.openai;

import dev.kappa.engine.Finish;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonGenerator;

/** Writes what both APIs' choices have in common. */
final class FinishFields {

  private FinishFields() {}

  /** {@code finish_reason}, and the stop string as vLLM's {@code stop_reason}. */
  static void write(JsonGenerator json, @Nullable Finish finish) {
    write(json, finish, false);
  }

  /**
   * The same for a choice that may have called tools.
   *
   * @param calls whether it has
   */
  static void write(JsonGenerator json, @Nullable Finish finish, boolean calls) {
    if (finish == null) {
      json.writeNullProperty("finish_reason");
      return;
    }
    json.writeStringProperty(
        "finish_reason",
        calls && finish.reason() == Finish.Reason.STOP
            ? "tool_calls"
            : finish.reason().name().toLowerCase(Locale.ROOT));
    json.writeStringProperty("stop_reason", finish.stopString());
  }

  static void writeTokens(JsonGenerator json, String name, List<Integer> tokens) {
    json.writeArrayPropertyStart(name);
    tokens.forEach(json::writeNumber);
    json.writeEndArray();
  }

  static void writeTokens(JsonGenerator json, String name, int[] tokens) {
    json.writeArrayPropertyStart(name);
    for (int token : tokens) {
      json.writeNumber(token);
    }
    json.writeEndArray();
  }
}
