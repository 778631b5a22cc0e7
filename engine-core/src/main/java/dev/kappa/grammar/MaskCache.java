package dev.kappa.grammar;

import java.util.LinkedHashMap;
import java.util.Map;

/** The masks of the places last used, of all grammars over one vocabulary. One thread's. */
final class MaskCache {

  private static final long MAX_BYTES = 64L << 20;

  private final TokenTrie trie;
  private final Map<Automaton.Place, long[]> masks = new LinkedHashMap<>(16, 0.75f, true);
  private final long limit;

  MaskCache(TokenTrie trie) {
    this.trie = trie;
    limit = Math.max(1, MAX_BYTES / Math.max(1, trie.maskBytes()));
  }

  long[] get(Automaton automaton, Automaton.Place place) {
    long[] mask = masks.get(place);
    if (mask == null) {
      mask = trie.follow(automaton, place);
      masks.put(place, mask);
      if (masks.size() > limit) {
        masks.remove(masks.keySet().iterator().next());
      }
    }
    return mask;
  }
}
