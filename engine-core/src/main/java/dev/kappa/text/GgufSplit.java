package dev.kappa.text;

import dev.kappa.gguf.GgufMetadata;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * How a byte-level tokenizer splits texts into words: the rules behind the names in {@code
 * tokenizer.ggml.pre}. Patterns are those of the models' own {@code tokenizer.json}, of which
 * llama.cpp has the same in {@code llama-vocab.cpp}.
 *
 * @param patterns applied one after the other; what each finds becomes a piece of its own
 * @param composed whether texts are brought into normal form C first
 * @param wholeWords whether a word that is a token as a whole is not merged from pieces
 * @param begins whether a text begins with a token of its own if the file does not say
 */
record GgufSplit(List<String> patterns, boolean composed, boolean wholeWords, boolean begins) {

  private static final String KEY = "tokenizer.ggml.pre";

  private static final String GPT2 =
      "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";

  private static final String CONTRACTIONS = "(?i:'s|'t|'re|'ve|'m|'ll|'d)";

  private static final String SPACES = "|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

  private static final String LLAMA3 =
      CONTRACTIONS
          + "|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*"
          + SPACES;

  private static final String QWEN2 =
      CONTRACTIONS
          + "|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*"
          + SPACES;

  private static final String TEKKEN =
      "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+"
          + "|[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]*"
          + "|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*"
          + SPACES;

  private static final Map<String, GgufSplit> KNOWN = known();

  private static Map<String, GgufSplit> known() {
    Map<String, GgufSplit> known = new HashMap<>();
    GgufSplit gpt2 = new GgufSplit(List.of(GPT2), false, false, false);
    put(known, gpt2, "gpt-2", "gpt2", "phi-2");
    // What llama.cpp does with files whose model it does not know.
    GgufSplit unknown =
        new GgufSplit(
            List.of("[\\p{P}\\$\\+<=>\\^~\\|]+", GPT2, "\\p{N}+", "[0-9][0-9][0-9]"),
            false,
            false,
            false);
    put(known, unknown, "default");
    put(
        known,
        new GgufSplit(List.of(LLAMA3), false, true, true),
        "llama-bpe",
        "llama-v3",
        "llama3");
    put(known, new GgufSplit(List.of(QWEN2), true, false, false), "qwen2");
    put(known, new GgufSplit(List.of(QWEN2), false, false, false), "deepseek-r1-qwen");
    put(known, new GgufSplit(List.of("\\p{N}", GPT2), false, false, false), "smollm", "starcoder");
    put(known, new GgufSplit(List.of(TEKKEN), false, true, true), "tekken");
    return Map.copyOf(known);
  }

  private static void put(Map<String, GgufSplit> known, GgufSplit split, String... names) {
    for (String name : names) {
      known.put(name, split);
    }
  }

  static GgufSplit of(GgufMetadata metadata) {
    @Nullable String name = metadata.text(KEY);
    GgufSplit split = name == null ? null : KNOWN.get(name);
    if (split == null) {
      throw metadata.wrong(
          KEY,
          "one of %s; for another, use the model's own folder with tokenizer.json"
              .formatted(String.join(", ", new TreeSet<>(KNOWN.keySet()))));
    }
    return split;
  }
}
