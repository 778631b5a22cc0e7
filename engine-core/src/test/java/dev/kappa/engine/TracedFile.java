package dev.kappa.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** A trace that was written, by tracks, and what holds for all of them. */
final class TracedFile {

  /** A span; times are microseconds. */
  record Span(String name, double start, double end, JsonNode figures) {

    double millis() {
      return (end - start) / 1e3;
    }
  }

  private final Map<String, List<Span>> tracks = new HashMap<>();
  private final List<String> open = new ArrayList<>();
  private final List<JsonNode> requests = new ArrayList<>();

  private TracedFile(JsonNode events) {
    Map<Integer, String> names = new HashMap<>();
    for (JsonNode event : events) {
      String phase = event.get("ph").stringValue();
      switch (phase) {
        case "M" -> names.put(event.get("tid").intValue(), event.at("/args/name").stringValue());
        case "X" -> {
          double start = event.get("ts").doubleValue();
          double end = start + event.get("dur").doubleValue();
          tracks
              .computeIfAbsent(names.get(event.get("tid").intValue()), name -> new ArrayList<>())
              .add(new Span(event.get("name").stringValue(), start, end, event.get("args")));
        }
        case "b" -> open.add(event.get("id").stringValue() + event.get("name").stringValue());
        case "e" -> {
          String key = event.get("id").stringValue() + event.get("name").stringValue();
          assertThat(open.remove(key)).as("%s has begun", key).isTrue();
          requests.add(event);
        }
        default -> throw new AssertionError(event);
      }
    }
  }

  /** Reads a trace; spans of a track follow each other, and what began has ended. */
  static TracedFile read(Path file) {
    JsonNode events;
    try {
      events = JsonMapper.shared().readTree(Files.readString(file));
    } catch (IOException e) {
      throw new AssertionError(e);
    }
    TracedFile traced = new TracedFile(events);
    traced.tracks.forEach((track, spans) -> {
      double last = 0;
      for (Span span : spans) {
        assertThat(span.start()).as("%s: %s", track, span).isGreaterThanOrEqualTo(last - 1e-3);
        assertThat(span.end()).isGreaterThanOrEqualTo(span.start());
        last = span.end();
      }
    });
    assertThat(traced.open).isEmpty();
    return traced;
  }

  List<Span> track(String name) {
    return tracks.getOrDefault(name, List.of());
  }

  List<Span> track(String name, String span) {
    return track(name).stream().filter(s -> s.name().equals(span)).toList();
  }

  /** The ends of requests and of their phases. */
  List<JsonNode> ends(String prefix) {
    return requests.stream().filter(e -> e.get("name").stringValue().startsWith(prefix)).toList();
  }

  /** Bytes of a track's copies. */
  long bytes(String track) {
    return track(track).stream().mapToLong(span -> span.figures().get("bytes").longValue()).sum();
  }
}
