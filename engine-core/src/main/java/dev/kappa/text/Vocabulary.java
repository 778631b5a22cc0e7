package dev.kappa.text;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * The entries of a {@code tokenizer.json}, which the native library does not hand out, and how they
 * turn into text. Immutable.
 */
final class Vocabulary {

  private static final JsonMapper JSON = JsonMapper.builder().build();

  private final List<@Nullable String> entries = new ArrayList<>();
  private final Map<String, Integer> ids = new HashMap<>();
  private final Map<String, AddedToken> addedTokens = new HashMap<>();
  private final BitSet added = new BitSet();
  private final BitSet special = new BitSet();
  private DecoderSpec decoder = DecoderSpec.NONE;

  /** The entries of the model alone. */
  private int modelSize;

  private Vocabulary() {}

  /**
   * Reads the text of a {@code tokenizer.json}.
   *
   * @throws JacksonException if it is not JSON of the expected shape
   */
  static Vocabulary parse(String json) {
    Vocabulary vocabulary = new Vocabulary();
    List<JsonNode> addedTokens = new ArrayList<>();
    try (JsonParser parser = JSON.createParser(json)) {
      parser.nextToken();
      while (parser.nextToken() == JsonToken.PROPERTY_NAME) {
        String name = parser.currentName();
        parser.nextToken();
        switch (name) {
          case "model" -> vocabulary.readModel(parser);
          case "added_tokens" -> parser.<JsonNode>readValueAsTree().forEach(addedTokens::add);
          case "decoder" -> vocabulary.decoder = DecoderSpec.of(parser.readValueAsTree());
          default -> parser.skipChildren();
        }
      }
    }
    vocabulary.modelSize = vocabulary.ids.size();
    for (JsonNode token : addedTokens) {
      vocabulary.put(AddedToken.of(token), token.path("id").asInt());
    }
    return vocabulary;
  }

  int size() {
    return ids.size();
  }

  DecoderSpec decoder() {
    return decoder;
  }

  /** An entry as written in the file, or null for an id without one. */
  @Nullable String entry(int id) {
    return id >= 0 && id < entries.size() ? entries.get(id) : null;
  }

  @Nullable Integer id(String entry) {
    return ids.get(entry);
  }

  /** An added token by its content. */
  @Nullable AddedToken added(String content) {
    return addedTokens.get(content);
  }

  /** The id that the native library gives to the next token that is added and has no entry yet. */
  int nextAddedId() {
    return Math.max(modelSize, added.length());
  }

  boolean isAdded(int id) {
    return added.get(id);
  }

  boolean isSpecial(int id) {
    return special.get(id);
  }

  private void readModel(JsonParser parser) {
    while (parser.nextToken() == JsonToken.PROPERTY_NAME) {
      String name = parser.currentName();
      JsonToken start = parser.nextToken();
      if (!name.equals("vocab")) {
        parser.skipChildren();
      } else if (start == JsonToken.START_ARRAY) {
        readScoredEntries(parser);
      } else {
        while (parser.nextToken() == JsonToken.PROPERTY_NAME) {
          String entry = parser.currentName();
          parser.nextToken();
          put(entry, parser.getIntValue());
        }
      }
    }
  }

  /** Unigram: pairs of entry and score, numbered in order. */
  private void readScoredEntries(JsonParser parser) {
    while (parser.nextToken() == JsonToken.START_ARRAY) {
      parser.nextToken();
      put(parser.getString(), entries.size());
      while (parser.nextToken() != JsonToken.END_ARRAY) {
        parser.skipChildren();
      }
    }
  }

  private void put(AddedToken token, int id) {
    put(token.content(), id);
    addedTokens.put(token.content(), token);
    added.set(id);
    special.set(id, token.special());
  }

  private void put(String entry, int id) {
    while (entries.size() <= id) {
      entries.add(null);
    }
    entries.set(id, entry);
    ids.put(entry, id);
  }
}
