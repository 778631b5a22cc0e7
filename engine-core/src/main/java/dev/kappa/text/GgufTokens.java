package dev.kappa.text;

import dev.kappa.gguf.GgufMetadata;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The vocabulary of a GGUF file: texts and, by llama.cpp's numbers, what each is. Immutable. */
final class GgufTokens {

  private static final String PREFIX = "tokenizer.ggml.";

  private static final int NORMAL = 1;
  private static final int UNKNOWN = 2;
  private static final int CONTROL = 3;
  private static final int USER_DEFINED = 4;
  private static final int UNUSED = 5;

  private final GgufMetadata metadata;
  private final List<String> texts;
  private final double[] types;
  private final Map<String, Integer> ids = new HashMap<>();

  private GgufTokens(GgufMetadata metadata) {
    this.metadata = metadata;
    String key = PREFIX + "tokens";
    texts = metadata.texts(key);
    if (texts.isEmpty()) {
      throw metadata.wrong(key, "an array of texts");
    }
    String typeKey = PREFIX + "token_type";
    types = metadata.numbers(typeKey);
    if (types.length != 0 && types.length != texts.size()) {
      throw metadata.wrong(typeKey, "an array of %d numbers".formatted(texts.size()));
    }
    for (int id = 0; id < texts.size(); id++) {
      if (isEntry(id) && ids.put(texts.get(id), id) != null) {
        throw metadata.wrong(
            key, "every text once, but it has \"%s\" twice".formatted(texts.get(id)));
      }
    }
  }

  static GgufTokens read(GgufMetadata metadata) {
    return new GgufTokens(metadata);
  }

  int size() {
    return texts.size();
  }

  String text(int id) {
    return texts.get(id);
  }

  int id(String text) {
    Integer id = ids.get(text);
    if (id == null) {
      throw metadata.wrong(PREFIX + "tokens", "an array that has \"" + text + '"');
    }
    return id;
  }

  private int type(int id) {
    return types.length == 0 ? NORMAL : (int) types[id];
  }

  /**
   * Whether the tokenizer has such an entry; converters fill up the vocabulary to the rows of the
   * embedding.
   */
  boolean isEntry(int id) {
    boolean filling = type(id) == UNUSED && texts.get(id).equals("[PAD" + id + "]");
    return !filling && !texts.get(id).isEmpty();
  }

  /** Whether it is what texts are made of. */
  boolean isText(int id) {
    return isEntry(id) && type(id) == NORMAL;
  }

  /** Whether it is cut out of a text before anything else. */
  boolean isAdded(int id) {
    return isEntry(id) && (isSpecial(id) || type(id) == USER_DEFINED);
  }

  /** Whether it is a mark and no text. */
  boolean isSpecial(int id) {
    return type(id) == CONTROL || type(id) == UNKNOWN;
  }

  /** A token that the file names by its id, or null. */
  @Nullable String special(String key) {
    @Nullable Integer id = metadata.integerOrNull(PREFIX + key, 0, Integer.MAX_VALUE);
    if (id == null) {
      return null;
    }
    if (id >= texts.size() || !isEntry(id)) {
      throw metadata.wrong(PREFIX + key, "the id of one of %d tokens".formatted(texts.size()));
    }
    return texts.get(id);
  }

  /** What the file says fills batches up, or null; some name an id that no token has, as -1. */
  @Nullable String padding() {
    double id = metadata.number(PREFIX + "padding_token_id", Double.NEGATIVE_INFINITY, -1);
    boolean known = id >= 0 && id < texts.size() && isEntry((int) id);
    return known ? texts.get((int) id) : null;
  }
}
