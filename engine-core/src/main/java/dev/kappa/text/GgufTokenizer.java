package dev.kappa.text;

import dev.kappa.gguf.GgufMetadata;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * The {@code tokenizer.json} that the metadata of a GGUF file amount to. Byte-level BPE is there in
 * full but for the rule that splits texts, of which there is a name; SentencePiece's BPE has scores
 * in place of merges. Throws {@link dev.kappa.gguf.GgufException}.
 */
final class GgufTokenizer {

  private static final JsonMapper JSON = JsonMapper.builder().build();
  private static final String PREFIX = "tokenizer.ggml.";
  private static final String SPACE = "▁";

  private final GgufMetadata metadata;
  private final GgufTokens tokens;
  private final ObjectNode root = JSON.createObjectNode();

  private GgufTokenizer(GgufMetadata metadata) {
    this.metadata = metadata;
    tokens = GgufTokens.read(metadata);
  }

  /** The text of the file. */
  static String json(GgufMetadata metadata) {
    String key = PREFIX + "model";
    String model = metadata.text(key);
    GgufTokenizer tokenizer =
        switch (model) {
          case "gpt2", "llama" -> new GgufTokenizer(metadata);
          case null, default ->
              throw metadata.wrong(
                  key, "\"gpt2\" (byte-level BPE) or \"llama\" (SentencePiece's BPE)");
        };
    if ("gpt2".equals(model)) {
      tokenizer.byteLevel();
    } else {
      tokenizer.sentencePiece();
    }
    return JSON.writeValueAsString(tokenizer.root);
  }

  private void byteLevel() {
    GgufSplit split = GgufSplit.of(metadata);
    root.put("version", "1.0");
    addedTokens();
    if (split.composed()) {
      root.putObject("normalizer").put("type", "NFC");
    }
    ObjectNode sequence = root.putObject("pre_tokenizer").put("type", "Sequence");
    ArrayNode steps = sequence.putArray("pretokenizers");
    for (String pattern : split.patterns()) {
      ObjectNode step = steps.addObject().put("type", "Split");
      step.putObject("pattern").put("Regex", pattern);
      step.put("behavior", "Isolated").put("invert", false);
    }
    byteLevel(steps.addObject());
    byteLevel(root.putObject("decoder"));
    postProcessor(split.begins(), false);
    ObjectNode model = model();
    model.put("ignore_merges", split.wholeWords());
    String key = PREFIX + "merges";
    List<String> merges = metadata.texts(key);
    if (merges.isEmpty()) {
      throw metadata.wrong(key, "an array of pairs of tokens");
    }
    ArrayNode pairs = model.putArray("merges");
    for (int i = 0; i < merges.size(); i++) {
      int space = merges.get(i).indexOf(' ', 1);
      if (space < 0) {
        throw metadata.wrong("%s[%d]".formatted(key, i), "two tokens with a space between them");
      }
      pairs
          .addArray()
          .add(merges.get(i).substring(0, space))
          .add(merges.get(i).substring(space + 1));
    }
  }

  private static void byteLevel(ObjectNode step) {
    step.put("type", "ByteLevel")
        .put("add_prefix_space", false)
        .put("trim_offsets", true)
        .put("use_regex", false);
  }

  /** As files have it that were converted from Llama 2 and what shares its tokenizer. */
  private void sentencePiece() {
    boolean prefixed = metadata.flag(PREFIX + "add_space_prefix", true);
    root.put("version", "1.0");
    addedTokens();
    ArrayNode normalizers =
        root.putObject("normalizer").put("type", "Sequence").putArray("normalizers");
    if (prefixed) {
      normalizers.addObject().put("type", "Prepend").put("prepend", SPACE);
    }
    replace(normalizers.addObject(), " ", SPACE);
    ArrayNode decoders = root.putObject("decoder").put("type", "Sequence").putArray("decoders");
    replace(decoders.addObject(), SPACE, " ");
    decoders.addObject().put("type", "ByteFallback");
    decoders.addObject().put("type", "Fuse");
    if (prefixed) {
      decoders.addObject().put("type", "Strip").put("content", " ").put("start", 1).put("stop", 0);
    }
    postProcessor(true, false);
    ObjectNode model = model();
    model.put("byte_fallback", true).put("fuse_unk", true);
    String unknown = tokens.special("unknown_token_id");
    if (unknown != null) {
      model.put("unk_token", unknown);
    }
    ArrayNode pairs = model.putArray("merges");
    mergesByScore().forEach(merge -> pairs.addArray().add(merge.left).add(merge.right));
  }

  private static void replace(ObjectNode step, String pattern, String content) {
    step.put("type", "Replace").put("content", content);
    step.putObject("pattern").put("String", pattern);
  }

  private record Merge(String left, String right, double score, int id) {}

  /**
   * All ways of putting a token together from two, the best token first: what SentencePiece does
   * next is always the neighbours that make the token with the best score.
   */
  private List<Merge> mergesByScore() {
    String key = PREFIX + "scores";
    double[] scores = metadata.numbers(key);
    if (scores.length != tokens.size()) {
      throw metadata.wrong(key, "an array of %d numbers".formatted(tokens.size()));
    }
    Map<String, Integer> ids = new HashMap<>();
    for (int id = 0; id < tokens.size(); id++) {
      if (tokens.isText(id)) {
        ids.put(tokens.text(id), id);
      }
    }
    List<Merge> merges = new ArrayList<>();
    for (Map.Entry<String, Integer> entry : ids.entrySet()) {
      String token = entry.getKey();
      int id = entry.getValue();
      for (int at = 1; at < token.length(); at++) {
        String left = token.substring(0, at);
        String right = token.substring(at);
        if (ids.containsKey(left) && ids.containsKey(right)) {
          merges.add(new Merge(left, right, scores[id], id));
        }
      }
    }
    merges.sort(
        Comparator.comparingDouble(Merge::score)
            .reversed()
            .thenComparingInt(Merge::id)
            .thenComparing(merge -> -merge.left.length()));
    return merges;
  }

  private ObjectNode model() {
    ObjectNode model = root.putObject("model").put("type", "BPE");
    ObjectNode vocabulary = model.putObject("vocab");
    for (int id = 0; id < tokens.size(); id++) {
      if (tokens.isEntry(id)) {
        vocabulary.put(tokens.text(id), id);
      }
    }
    return model;
  }

  private void addedTokens() {
    ArrayNode added = root.putArray("added_tokens");
    for (int id = 0; id < tokens.size(); id++) {
      if (tokens.isAdded(id)) {
        new AddedToken(tokens.text(id), tokens.isSpecial(id), false, false, false, false)
            .write(added.addObject(), id);
      }
    }
  }

  /** Adds what goes around a text, if the file does not say otherwise. */
  private void postProcessor(boolean begins, boolean ends) {
    @Nullable String first = around("add_bos_token", begins, "bos_token_id");
    @Nullable String last = around("add_eos_token", ends, "eos_token_id");
    if (first == null && last == null) {
      return;
    }
    ObjectNode processor = root.putObject("post_processor").put("type", "TemplateProcessing");
    ObjectNode known = JSON.createObjectNode();
    for (String kind : List.of("single", "pair")) {
      ArrayNode parts = processor.putArray(kind);
      for (int i = 0; i < (kind.equals("pair") ? 2 : 1); i++) {
        special(parts, known, first, i);
        parts.addObject().putObject("Sequence").put("id", i == 0 ? "A" : "B").put("type_id", i);
        special(parts, known, last, i);
      }
    }
    processor.set("special_tokens", known);
  }

  private @Nullable String around(String flag, boolean usual, String token) {
    return metadata.flag(PREFIX + flag, usual) ? tokens.special(token) : null;
  }

  private void special(ArrayNode parts, ObjectNode known, @Nullable String token, int type) {
    if (token == null) {
      return;
    }
    parts.addObject().putObject("SpecialToken").put("id", token).put("type_id", type);
    ObjectNode entry = known.putObject(token).put("id", token);
    entry.putArray("ids").add(tokens.id(token));
    entry.putArray("tokens").add(token);
  }

  /** What a conversation's template needs to know. */
  static TokenizerConfig config(GgufMetadata metadata) {
    GgufTokens tokens = GgufTokens.read(metadata);
    Map<String, String> special = new HashMap<>();
    Map<String, String> keys =
        Map.of(
            "bos_token", "bos_token_id",
            "eos_token", "eos_token_id",
            "unk_token", "unknown_token_id");
    keys.forEach((role, key) -> {
      String token = tokens.special(key);
      if (token != null) {
        special.put(role, token);
      }
    });
    String padding = tokens.padding();
    if (padding != null) {
      special.put("pad_token", padding);
    }
    Map<String, String> templates = new HashMap<>();
    String plain = "tokenizer.chat_template";
    for (String key : metadata.keys()) {
      if (key.startsWith(plain + ".") || key.equals(plain)) {
        String name =
            key.equals(plain)
                ? TokenizerConfig.DEFAULT_TEMPLATE
                : key.substring(plain.length() + 1);
        String template = metadata.text(key);
        if (template != null) {
          templates.put(name, template);
        }
      }
    }
    return new TokenizerConfig(special, templates);
  }
}
