package dev.kappa.grammar;

import dev.kappa.text.Tokenizer;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Comparator;
import java.util.stream.IntStream;

/**
 * The bytes of a vocabulary's tokens as a trie, laid out in depth-first order: a node's children
 * follow it, and it says where they end. Special tokens, which are no text, are not in it.
 * Immutable.
 */
final class TokenTrie {

  private final byte[][] tokens;
  private final BitSet alphabet = new BitSet();
  private final byte[] labels;
  private final byte[] depths;
  private final int[] ends;
  private final int[] firstTokens;
  private final int[] sameBytes;
  private final int size;
  private final int maxDepth;

  /** Longer tokens, such as runs of blanks, are left out: nothing needs them. */
  private static final int MAX_BYTES = 127;

  /**
   * @param vocabularySize ids that the model knows; those that the tokenizer lacks are left out
   */
  TokenTrie(Tokenizer tokenizer, int vocabularySize) {
    tokens = new byte[vocabularySize][];
    int bytes = 0;
    for (int token = 0; token < vocabularySize; token++) {
      byte[] text = tokenizer.isSpecial(token) ? new byte[0] : tokenizer.tokenBytes(token);
      tokens[token] = text.length > MAX_BYTES ? new byte[0] : text;
      bytes += tokens[token].length;
    }
    labels = new byte[bytes];
    depths = new byte[bytes];
    ends = new int[bytes];
    firstTokens = new int[bytes];
    sameBytes = new int[vocabularySize];
    Arrays.fill(firstTokens, -1);
    Arrays.fill(sameBytes, -1);
    int nodes = 0;
    int deepest = 0;
    int[] path = new int[MAX_BYTES];
    byte[] before = new byte[0];
    for (int token : sorted()) {
      byte[] text = tokens[token];
      int common = Math.max(0, Arrays.mismatch(before, text));
      if (Arrays.equals(before, text)) {
        common = text.length;
      }
      close(path, common, before.length, nodes);
      for (int depth = common; depth < text.length; depth++) {
        labels[nodes] = text[depth];
        depths[nodes] = (byte) depth;
        path[depth] = nodes++;
      }
      int last = path[text.length - 1];
      sameBytes[token] = firstTokens[last];
      firstTokens[last] = token;
      if (text.length == 1) {
        alphabet.set(text[0] & 0xff);
      }
      deepest = Math.max(deepest, text.length);
      before = text;
    }
    close(path, 0, before.length, nodes);
    size = nodes;
    maxDepth = deepest;
  }

  private int[] sorted() {
    Comparator<Integer> byBytes = (a, b) -> Arrays.compareUnsigned(tokens[a], tokens[b]);
    return IntStream.range(0, tokens.length)
        .filter(token -> tokens[token].length > 0)
        .boxed()
        .sorted(byBytes)
        .mapToInt(Integer::intValue)
        .toArray();
  }

  private void close(int[] path, int from, int to, int end) {
    for (int depth = from; depth < to; depth++) {
      ends[path[depth]] = end;
    }
  }

  /** The bytes that are a token of their own. */
  BitSet alphabet() {
    return alphabet;
  }

  /** A token's bytes; empty for one that is no text. */
  byte[] bytes(int token) {
    return tokens[token];
  }

  /** Bytes of a set of tokens. */
  int maskBytes() {
    return (tokens.length + 63) / 64 * Long.BYTES;
  }

  /** The tokens whose bytes lead somewhere, as a bit set over ids. */
  long[] follow(Automaton automaton, Automaton.Place from) {
    long[] mask = new long[(tokens.length + 63) / 64];
    Automaton.Place[] path = new Automaton.Place[maxDepth + 1];
    path[0] = from;
    int node = 0;
    while (node < size) {
      int depth = depths[node];
      Automaton.Place next = automaton.next(path[depth], labels[node] & 0xff);
      if (next == Automaton.NOWHERE) {
        node = ends[node];
        continue;
      }
      path[depth + 1] = next;
      for (int token = firstTokens[node]; token >= 0; token = sameBytes[token]) {
        mask[token >> 6] |= 1L << token;
      }
      node++;
    }
    return mask;
  }
}
