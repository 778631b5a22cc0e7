package dev.kappa.trace;

import java.math.BigDecimal;
import java.util.HashMap;
import java.util.Map;
import tools.jackson.core.JsonGenerator;

/**
 * Writes events as objects of Chrome's Trace Event Format: spans as complete events, a thread for
 * each track, the others as asynchronous events. Not thread-safe.
 */
final class TraceJson {

  private static final int PROCESS = 1;
  private static final int DIGITS_BELOW_MICROS = 3;

  private final JsonGenerator json;
  private final long origin;
  private final Map<String, Integer> tracks = new HashMap<>();

  TraceJson(JsonGenerator json, long originNanos) {
    this.json = json;
    origin = originNanos;
  }

  void write(TraceEvent event) {
    switch (event) {
      case TraceEvent.Span span -> {
        int track = track(span.track());
        begin("X", span.name(), span.track(), span.startNanos());
        json.writeNumberProperty("tid", track);
        json.writeName("dur");
        json.writeNumber(micros(span.endNanos() - span.startNanos()));
      }
      case TraceEvent.Begin begun -> {
        begin("b", begun.name(), "request", begun.nanos());
        json.writeStringProperty("id", begun.id());
      }
      case TraceEvent.End ended -> {
        begin("e", ended.name(), "request", ended.nanos());
        json.writeStringProperty("id", ended.id());
      }
    }
    json.writeObjectPropertyStart("args");
    event.figures().forEach(this::figure);
    json.writeEndObject();
    json.writeEndObject();
  }

  private void figure(String name, Number value) {
    json.writeName(name);
    double number = value.doubleValue();
    if (value instanceof Integer || value instanceof Long) {
      json.writeNumber(value.longValue());
    } else if (Double.isFinite(number)) {
      json.writeNumber(number);
    } else {
      json.writeNull();
    }
  }

  private int track(String name) {
    Integer known = tracks.get(name);
    if (known != null) {
      return known;
    }
    int track = tracks.size() + 1;
    tracks.put(name, track);
    json.writeRaw('\n');
    json.writeStartObject();
    json.writeStringProperty("ph", "M");
    json.writeStringProperty("name", "thread_name");
    json.writeNumberProperty("pid", PROCESS);
    json.writeNumberProperty("tid", track);
    json.writeObjectPropertyStart("args");
    json.writeStringProperty("name", name);
    json.writeEndObject();
    json.writeEndObject();
    return track;
  }

  private void begin(String phase, String name, String category, long nanos) {
    json.writeRaw('\n');
    json.writeStartObject();
    json.writeStringProperty("ph", phase);
    json.writeStringProperty("name", name);
    json.writeStringProperty("cat", category);
    json.writeNumberProperty("pid", PROCESS);
    json.writeName("ts");
    json.writeNumber(micros(nanos - origin));
  }

  private static BigDecimal micros(long nanos) {
    return BigDecimal.valueOf(nanos, DIGITS_BELOW_MICROS);
  }
}
