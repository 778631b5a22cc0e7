package dev.kappa.server.openai;

import dev.kappa.engine.Finish;
import tools.jackson.core.JsonGenerator;

/** Writes token counts. */
final class Usages {

  private Usages() {}

  static void write(JsonGenerator json, Finish.Usage usage) {
    json.writeObjectPropertyStart("usage");
    json.writeNumberProperty("prompt_tokens", usage.promptTokens());
    json.writeNumberProperty("completion_tokens", usage.completionTokens());
    json.writeNumberProperty("total_tokens", usage.promptTokens() + usage.completionTokens());
    json.writeObjectPropertyStart("prompt_tokens_details");
    json.writeNumberProperty("cached_tokens", usage.cachedTokens());
    json.writeObjectPropertyStart("cached_tokens_by_tier");
    json.writeNumberProperty("device", usage.cachedTokens() - usage.hostTokens());
    json.writeNumberProperty("host", usage.hostTokens());
    json.writeEndObject();
    json.writeEndObject();
    json.writeEndObject();
  }
}
