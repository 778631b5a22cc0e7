package dev.kappa.text;

import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * A token that is cut out of a text before the tokenizer's model sees it.
 *
 * @param content what it looks like in a text
 * @param special whether it is left out where special tokens are skipped
 * @param normalized whether it is looked for in the normalized text
 * @param singleWord whether it counts only with no letter or digit beside it
 * @param lstrip whether it takes whitespace before it along
 * @param rstrip whether it takes whitespace behind it along
 */
record AddedToken(
    String content,
    boolean special,
    boolean normalized,
    boolean singleWord,
    boolean lstrip,
    boolean rstrip) {

  /** A special token of which no more is known than its text. */
  static AddedToken special(String content) {
    return new AddedToken(content, true, false, false, false, false);
  }

  /** As in {@code tokenizer.json} and {@code tokenizer_config.json}; what is left out is off. */
  static AddedToken of(JsonNode json) {
    boolean special = json.path("special").asBoolean(false);
    return new AddedToken(
        json.path("content").asString(""),
        special,
        json.path("normalized").asBoolean(!special),
        json.path("single_word").asBoolean(false),
        json.path("lstrip").asBoolean(false),
        json.path("rstrip").asBoolean(false));
  }

  AddedToken asSpecial() {
    return new AddedToken(content, true, normalized, singleWord, lstrip, rstrip);
  }

  void write(ObjectNode json, int id) {
    json.put("id", id)
        .put("content", content)
        .put("single_word", singleWord)
        .put("lstrip", lstrip)
        .put("rstrip", rstrip)
        .put("normalized", normalized)
        .put("special", special);
  }
}
