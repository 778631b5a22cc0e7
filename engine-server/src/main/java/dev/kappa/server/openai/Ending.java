package dev.kappa.server.openai;

import dev.kappa.engine.Finish;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonGenerator;

/**
 * What an answer, or its last chunk, ends with.
 *
 * @param usage token counts of all choices; null for none
 * @param accounts how the choices ended, where accounts are wanted; else empty
 */
record Ending(Finish.@Nullable Usage usage, List<@Nullable Finish> accounts) {

  /** Nothing but token counts, if there are any. */
  static Ending of(Finish.@Nullable Usage usage) {
    return new Ending(usage, List.of());
  }

  /**
   * Writes it and closes the object.
   *
   * @param stream says whether chunks without token counts say so
   */
  void write(JsonGenerator json, StreamFields stream) {
    if (usage != null) {
      Usages.write(json, usage);
    } else if (stream.includeUsage()) {
      json.writeNullProperty("usage");
    }
    if (!accounts.isEmpty()) {
      AccountJson.write(json, accounts);
    }
    json.writeEndObject();
  }
}
