package dev.kappa.model;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.databind.JsonNode;

/**
 * The table of contents of a {@code *.safetensors} file: a JSON object from tensor names to type,
 * shape and byte range. The ranges must tile the data exactly
 * (https://github.com/huggingface/safetensors#format), so that no two tensors share a byte and a
 * file cut short is noticed here.
 */
final class SafetensorsHeader {

  private static final Comparator<Entry> BY_POSITION =
      Comparator.comparingLong(Entry::begin).thenComparingLong(Entry::end);

  private final String source;

  private SafetensorsHeader(String source) {
    this.source = source;
  }

  /**
   * One tensor's place.
   *
   * @param dtype type as the file names it, supported or not
   * @param begin first byte, counted from the end of the header
   * @param end the byte after its last
   */
  record Entry(String name, String dtype, List<Long> shape, long begin, long end) {}

  /**
   * Parses a header.
   *
   * @param dataBytes bytes of the file after the header
   * @param source file name for messages
   * @throws ModelException if it is not a valid table of exactly {@code dataBytes} bytes
   */
  static Map<String, Entry> parse(byte[] json, long dataBytes, String source) {
    SafetensorsHeader header = new SafetensorsHeader(source);
    Map<String, Entry> entries;
    try (JsonParser parser = JsonObject.MAPPER.createParser(json)) {
      entries = header.entries(parser);
    } catch (JacksonException e) {
      throw JsonObject.broken(source + ": header", e);
    }
    header.checkTiling(entries, dataBytes);
    return entries;
  }

  private Map<String, Entry> entries(JsonParser parser) {
    if (parser.nextToken() != JsonToken.START_OBJECT) {
      throw new ModelException(source + ": header is not a JSON object");
    }
    Map<String, Entry> entries = new LinkedHashMap<>();
    while (parser.nextToken() == JsonToken.PROPERTY_NAME) {
      String name = parser.currentName();
      parser.nextToken();
      JsonNode value = parser.readValueAsTree();
      if (!value.isObject()) {
        throw wrong(name, "is " + value.getNodeType() + "; expected an object");
      }
      if (!name.equals("__metadata__")) {
        entries.put(name, entry(name, value));
      }
    }
    if (parser.nextToken() != null) {
      throw new ModelException(source + ": header goes on after its JSON object");
    }
    return entries;
  }

  private Entry entry(String name, JsonNode value) {
    JsonNode dtype = value.path("dtype");
    if (!dtype.isString()) {
      throw wrong(name, "has dtype " + dtype + "; expected a string");
    }
    List<Long> shape = sizes(name, "shape", value.path("shape"));
    List<Long> offsets = sizes(name, "data_offsets", value.path("data_offsets"));
    if (offsets.size() != 2 || offsets.get(0) > offsets.get(1)) {
      throw wrong(name, "has data_offsets " + offsets + "; expected begin and end");
    }
    Entry entry = new Entry(name, dtype.stringValue(), shape, offsets.get(0), offsets.get(1));
    checkSize(entry);
    return entry;
  }

  private List<Long> sizes(String name, String key, JsonNode array) {
    List<Long> sizes = new ArrayList<>();
    boolean valid = array.isArray();
    for (JsonNode element : array) {
      valid &= element.isIntegralNumber() && element.canConvertToLong() && element.longValue() >= 0;
      if (valid) {
        sizes.add(element.longValue());
      }
    }
    if (!valid) {
      throw wrong(name, "has %s %s; expected a list of sizes".formatted(key, array));
    }
    return List.copyOf(sizes);
  }

  private void checkSize(Entry entry) {
    int bits = bitsPerElement(entry.dtype());
    if (bits == 0) {
      return;
    }
    long expected;
    try {
      long elements = 1;
      for (long size : entry.shape()) {
        elements = Math.multiplyExact(elements, size);
      }
      expected = Math.ceilDiv(Math.multiplyExact(elements, bits), (long) Byte.SIZE);
    } catch (ArithmeticException _) {
      throw wrong(entry.name(), "has shape %s: more than 2^63 bits".formatted(entry.shape()));
    }
    if (expected != entry.end() - entry.begin()) {
      throw wrong(
          entry.name(),
          "has data_offsets [%d, %d]: %d bytes; expected %d for %s %s"
              .formatted(
                  entry.begin(),
                  entry.end(),
                  entry.end() - entry.begin(),
                  expected,
                  entry.dtype(),
                  entry.shape()));
    }
  }

  private void checkTiling(Map<String, Entry> entries, long dataBytes) {
    List<Entry> sorted = new ArrayList<>(entries.values());
    sorted.sort(BY_POSITION);
    long at = 0;
    String before = "the header";
    for (Entry entry : sorted) {
      if (entry.begin() != at) {
        throw wrong(
            entry.name(),
            "begins at data byte %d; expected %d, where %s ends"
                .formatted(entry.begin(), at, before));
      }
      at = entry.end();
      before = entry.name();
    }
    if (at != dataBytes) {
      throw new ModelException(
          "%s: holds %d bytes of data; expected %d, where %s ends%s"
              .formatted(source, dataBytes, at, before, at > dataBytes ? ": cut short" : ""));
    }
  }

  /** 0 for types that this class does not know: their size cannot be checked. */
  private static int bitsPerElement(String dtype) {
    return switch (dtype) {
      case "F64", "I64", "U64", "C64" -> 64;
      case "F32", "I32", "U32" -> 32;
      case "F16", "BF16", "I16", "U16" -> 16;
      case "BOOL", "U8", "I8", "F8_E5M2", "F8_E4M3", "F8_E8M0" -> 8;
      case "F6_E2M3", "F6_E3M2" -> 6;
      case "F4" -> 4;
      default -> 0;
    };
  }

  private ModelException wrong(String tensor, String found) {
    return new ModelException("%s: tensor %s %s".formatted(source, tensor, found));
  }
}
