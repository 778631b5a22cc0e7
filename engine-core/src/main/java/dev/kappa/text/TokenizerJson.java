package dev.kappa.text;

import java.math.BigInteger;
import java.security.SecureRandom;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Changes the added tokens in the text of a {@code tokenizer.json}. */
final class TokenizerJson {

  private static final JsonMapper JSON = JsonMapper.builder().build();

  private TokenizerJson() {}

  /**
   * Adds tokens to an object, or changes those that have the same content. What is no object is
   * left to the native library to refuse.
   *
   * @param vocabulary what the text holds already
   */
  static String withTokens(String json, Vocabulary vocabulary, List<AddedToken> tokens) {
    if (!(JSON.readTree(json) instanceof ObjectNode root)) {
      return json;
    }
    ArrayNode added =
        root.path("added_tokens") instanceof ArrayNode array
            ? array
            : root.putArray("added_tokens");
    int next = vocabulary.nextAddedId();
    for (AddedToken token : tokens) {
      ObjectNode entry = find(added, token.content());
      if (entry != null) {
        token.write(entry, entry.path("id").asInt());
        continue;
      }
      // The native library numbers in the same way, whatever a file says.
      @Nullable Integer known = vocabulary.id(token.content());
      token.write(added.addObject(), known != null ? known : next++);
    }
    return JSON.writeValueAsString(root);
  }

  /**
   * Makes special tokens plain text. Those outside of the model's vocabulary must stay, since they
   * count for the ids of others; they get a content that no text has.
   */
  static String withoutSpecialTokens(String json) {
    ObjectNode root = (ObjectNode) JSON.readTree(json);
    Set<String> model = modelEntries(root.path("model").path("vocab"));
    ArrayNode kept = JSON.createArrayNode();
    for (JsonNode token : root.path("added_tokens")) {
      if (!token.path("special").asBoolean(false)) {
        kept.add(token);
      } else if (!model.contains(token.path("content").asString())) {
        String unlikely = new BigInteger(256, new SecureRandom()).toString(Character.MAX_RADIX);
        AddedToken.special(unlikely).write(kept.addObject(), token.path("id").asInt());
      }
    }
    root.set("added_tokens", kept);
    return JSON.writeValueAsString(root);
  }

  private static Set<String> modelEntries(JsonNode vocabulary) {
    Set<String> entries = new HashSet<>();
    if (vocabulary.isArray()) {
      vocabulary.forEach(scored -> entries.add(scored.path(0).asString()));
    } else {
      vocabulary.properties().forEach(entry -> entries.add(entry.getKey()));
    }
    return entries;
  }

  private static @Nullable ObjectNode find(ArrayNode added, String content) {
    for (JsonNode token : added) {
      if (token.path("content").asString("").equals(content)) {
        return (ObjectNode) token;
      }
    }
    return null;
  }
}
