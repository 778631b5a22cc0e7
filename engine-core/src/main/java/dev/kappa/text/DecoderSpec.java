package dev.kappa.text;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * What the decoder section of a {@code tokenizer.json} says about single entries.
 *
 * @param byteLevel whether the whole decoder is byte-level: entries are bytes, joined as they are
 * @param byteFallback whether entries {@code <0x00>} … {@code <0xFF>} are single bytes
 * @param space what stands for a space within an entry, or null
 */
record DecoderSpec(boolean byteLevel, boolean byteFallback, @Nullable String space) {

  /** Entries are text as they are. */
  static final DecoderSpec NONE = new DecoderSpec(false, false, null);

  static DecoderSpec of(JsonNode decoder) {
    List<JsonNode> steps = new ArrayList<>();
    if (decoder.path("type").asString("").equals("Sequence")) {
      decoder.path("decoders").forEach(steps::add);
    } else if (decoder.isObject()) {
      steps.add(decoder);
    }
    int byteLevels = 0;
    boolean byteFallback = false;
    String space = null;
    for (JsonNode step : steps) {
      switch (step.path("type").asString("")) {
        case "ByteLevel" -> byteLevels++;
        case "ByteFallback" -> byteFallback = true;
        case "Metaspace" -> space = step.path("replacement").asString("▁");
        case "Replace" -> {
          if (step.path("content").asString("").equals(" ")) {
            space = step.path("pattern").path("String").asString(null);
          }
        }
        default -> {}
      }
    }
    boolean byteLevel = byteLevels == 1 && steps.size() == 1;
    return new DecoderSpec(byteLevel, byteFallback, space);
  }

  /** The value of an entry such as {@code <0x0A>}, or -1. */
  int fallbackByte(String entry) {
    if (!byteFallback
        || entry.length() != 6
        || !entry.startsWith("<0x")
        || entry.charAt(5) != '>') {
      return -1;
    }
    int high = Character.digit(entry.charAt(3), 16);
    int low = Character.digit(entry.charAt(4), 16);
    return high < 0 || low < 0 ? -1 : high << 4 | low;
  }
}
