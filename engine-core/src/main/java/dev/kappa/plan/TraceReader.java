package dev.kappa.plan;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Reads traces in Mooncake's form: a JSON object per line with {@code timestamp} (milliseconds),
 * {@code input_length}, {@code output_length} and {@code hash_ids}.
 */
public final class TraceReader {

  private static final JsonMapper MAPPER = JsonMapper.shared();

  /** Beyond any context; keeps sums of a trace within 64 bits. */
  private static final int MOST_TOKENS = 1 << 26;

  private final Path file;
  private final Map<Long, Integer> numbers = new HashMap<>();
  private int line;

  private TraceReader(Path file) {
    this.file = file;
  }

  /**
   * Reads a trace; requests come out by arrival, those of one moment in the file's order.
   *
   * @throws PlanException if it cannot be read or holds something else
   */
  public static Trace read(Path file) {
    return new TraceReader(file).read();
  }

  private Trace read() {
    List<Trace.Request> requests = new ArrayList<>();
    try (BufferedReader reader = Files.newBufferedReader(file)) {
      for (String text = reader.readLine(); text != null; text = reader.readLine()) {
        line++;
        if (!text.isBlank()) {
          requests.add(request(MAPPER.readTree(text)));
        }
      }
    } catch (NoSuchFileException e) {
      throw new PlanException(file + ": no such file", e);
    } catch (IOException e) {
      throw new PlanException("%s: cannot be read: %s".formatted(file, e), e);
    } catch (JacksonException e) {
      throw new PlanException(
          "%s, line %d: broken JSON: %s".formatted(file, line, e.getOriginalMessage()), e);
    }
    if (requests.isEmpty()) {
      throw new PlanException(file + ": no requests");
    }
    requests.sort(Comparator.comparingDouble(Trace.Request::arrivalMillis));
    return new Trace(requests, numbers.size());
  }

  private Trace.Request request(JsonNode node) {
    JsonNode timestamp = node.path("timestamp");
    if (!timestamp.isNumber() || !(timestamp.doubleValue() >= 0)) {
      throw wrong("timestamp", "milliseconds");
    }
    int input = tokens(node, "input_length", 1);
    int output = tokens(node, "output_length", 0);
    JsonNode ids = node.path("hash_ids");
    int most = Math.ceilDiv(input, Trace.BLOCK);
    if (!ids.isArray() || ids.size() > most) {
      throw wrong("hash_ids", "a list of at most %d numbers".formatted(most));
    }
    int[] blocks = new int[ids.size()];
    for (int i = 0; i < blocks.length; i++) {
      JsonNode id = ids.get(i);
      if (!id.isIntegralNumber() || !id.canConvertToLong()) {
        throw wrong("hash_ids", "a list of integers");
      }
      blocks[i] = numbers.computeIfAbsent(id.longValue(), unused -> numbers.size());
    }
    return new Trace.Request(timestamp.doubleValue(), input, output, blocks);
  }

  private int tokens(JsonNode node, String key, int least) {
    JsonNode value = node.path(key);
    if (!value.isIntegralNumber()
        || !value.canConvertToInt()
        || value.intValue() < least
        || value.intValue() > MOST_TOKENS) {
      throw wrong(key, "an integer from %d to %d".formatted(least, MOST_TOKENS));
    }
    return value.intValue();
  }

  private PlanException wrong(String key, String expected) {
    return new PlanException("%s, line %d: \"%s\" is not %s".formatted(file, line, key, expected));
  }
}
