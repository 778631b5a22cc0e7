package dev.kappa.server.openai;

import java.util.ArrayList;
import java.util.List;
import tools.jackson.databind.JsonNode;

/** Reads lists of token ids. */
final class TokenIds {

  private TokenIds() {}

  /** A field's ids; empty if absent. */
  static List<Integer> read(JsonFields fields, String name, int most, int vocabularySize) {
    List<JsonNode> values = fields.array(name);
    if (values.size() > most) {
      throw JsonFields.bad(name, name + " must hold at most " + most + " ids");
    }
    List<Integer> tokens = new ArrayList<>(values.size());
    for (JsonNode value : values) {
      String path = name + "[" + tokens.size() + "]";
      tokens.add((int) JsonFields.integer(value, path, 0, vocabularySize - 1));
    }
    return tokens;
  }
}
