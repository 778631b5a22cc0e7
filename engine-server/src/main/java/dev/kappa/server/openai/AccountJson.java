package dev.kappa.server.openai;

import dev.kappa.engine.Finish;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonGenerator;

/** Writes what each choice's way to its first token took: the extension field {@code kappa}. */
final class AccountJson {

  private static final double NANOS_PER_MILLI = 1e6;

  private AccountJson() {}

  /**
   * Writes {@code "kappa": {"account": […]}}, one entry per choice.
   *
   * @param choices how they ended; null for one that did not
   */
  static void write(JsonGenerator json, List<@Nullable Finish> choices) {
    json.writeObjectPropertyStart("kappa");
    json.writeArrayPropertyStart("account");
    for (int index = 0; index < choices.size(); index++) {
      Finish finish = choices.get(index);
      if (finish != null) {
        write(json, index, finish);
      }
    }
    json.writeEndArray();
    json.writeEndObject();
  }

  private static void write(JsonGenerator json, int index, Finish finish) {
    Finish.Usage usage = finish.usage();
    Finish.Account account = finish.account();
    Finish.Restored restored = finish.restored();
    json.writeStartObject();
    json.writeNumberProperty("index", index);
    json.writeObjectPropertyStart("prompt_tokens_by_source");
    json.writeNumberProperty("computed", usage.computedTokens());
    json.writeNumberProperty("device", usage.deviceTokens());
    json.writeNumberProperty("host", usage.hostTokens());
    json.writeEndObject();
    json.writeNumberProperty("kappa", usage.kappa());
    if (Double.isFinite(account.kappaCritical())) {
      json.writeNumberProperty("kappa_critical", account.kappaCritical());
    } else {
      json.writeNullProperty("kappa_critical");
    }
    millis(json, "first_token_ms", finish.timings().firstToken());
    millis(json, "queue_ms", account.queueNanos());
    json.writeObjectPropertyStart("load");
    millis(json, "predicted_ms", account.predictedLoadNanos());
    millis(json, "actual_ms", account.loadNanos());
    millis(json, "copy_ms", restored.copyNanos());
    json.writeNumberProperty("bytes", restored.bytes());
    millis(json, "predicted_stall_ms", restored.predictedStallNanos());
    millis(json, "stall_ms", restored.stallNanos());
    json.writeEndObject();
    json.writeObjectPropertyStart("compute");
    millis(json, "predicted_ms", account.predictedComputeNanos());
    millis(json, "actual_ms", account.computeNanos());
    json.writeEndObject();
    millis(json, "overlap_ms", account.overlapNanos());
    json.writeStringProperty("bound", account.bound().name().toLowerCase(Locale.ROOT));
    json.writeEndObject();
  }

  private static void millis(JsonGenerator json, String name, long nanos) {
    json.writeNumberProperty(name, nanos / NANOS_PER_MILLI);
  }
}
