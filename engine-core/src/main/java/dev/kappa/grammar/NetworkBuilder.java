package dev.kappa.grammar;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Grows a {@link Network}. Not thread-safe. */
final class NetworkBuilder {

  /** A part that can be called from many places. */
  record Rule(int start, int end) {}

  /** Some hundred bytes each: far more than any schema that a model could follow. */
  private static final int MAX_STATES = 50_000;

  /** A state has few edges, but expressions can give some of them thousands. */
  private static final int MAX_EDGES = 1_000_000;

  private final BitSet alphabet;
  private final List<List<Integer>> bytes = new ArrayList<>();
  private final List<List<Integer>> epsilons = new ArrayList<>();
  private final List<List<Integer>> calls = new ArrayList<>();
  private final BitSet ends = new BitSet();
  private int edges;

  /**
   * @param alphabet the bytes that can be written one by one; edges take no others
   */
  NetworkBuilder(BitSet alphabet) {
    this.alphabet = alphabet;
  }

  /**
   * A new state without edges.
   *
   * @throws GrammarException if there are too many
   */
  int state() {
    if (bytes.size() == MAX_STATES) {
      throw tooLarge();
    }
    bytes.add(new ArrayList<>(0));
    epsilons.add(new ArrayList<>(0));
    calls.add(new ArrayList<>(0));
    return bytes.size() - 1;
  }

  private static GrammarException tooLarge() {
    return new GrammarException("", "the schema is too large");
  }

  private void countEdge() {
    if (++edges > MAX_EDGES) {
      throw tooLarge();
    }
  }

  Rule rule() {
    Rule rule = new Rule(state(), state());
    ends.set(rule.end());
    return rule;
  }

  void epsilon(int from, int to) {
    countEdge();
    epsilons.get(from).add(to);
  }

  void call(int from, Rule rule, int to) {
    countEdge();
    calls.get(from).addAll(List.of(rule.start(), to));
  }

  /** Calls a rule; returns the state after it. */
  int call(int from, Rule rule) {
    int to = state();
    call(from, rule, to);
    return to;
  }

  /** Takes any byte of a range, as far as the alphabet has it. */
  void bytes(int from, int lowest, int highest, int to) {
    int low = alphabet.nextSetBit(lowest);
    while (low >= 0 && low <= highest) {
      int high = Math.min(highest, alphabet.nextClearBit(low) - 1);
      countEdge();
      bytes.get(from).addAll(List.of(low, high, to));
      low = alphabet.nextSetBit(high + 1);
    }
  }

  /** Takes any one of these ASCII characters. */
  void any(int from, String characters, int to) {
    characters.chars().forEach(c -> bytes(from, c, c, to));
  }

  /** Takes any one of these ASCII characters; returns the state after it. */
  int any(int from, String characters) {
    int to = state();
    any(from, characters, to);
    return to;
  }

  /** Takes a text; returns the state after it. */
  int literal(int from, String text) {
    int at = from;
    for (byte b : text.getBytes(StandardCharsets.UTF_8)) {
      int next = state();
      bytes(at, b & 0xff, b & 0xff, next);
      at = next;
    }
    return at;
  }

  /**
   * Takes any one of some texts. As far as they begin alike they share states: each state of its
   * own would be a path to follow, of which an {@link Automaton} keeps so many.
   */
  void literals(int from, Collection<String> texts, int to) {
    Map<Long, Integer> known = new HashMap<>();
    for (String text : texts) {
      int at = from;
      for (byte b : text.getBytes(StandardCharsets.UTF_8)) {
        int value = b & 0xff;
        int before = at;
        at =
            known.computeIfAbsent(
                ((long) before << 8) | value,
                key -> {
                  int next = state();
                  bytes(before, value, value, next);
                  return next;
                });
      }
      epsilon(at, to);
    }
  }

  /** Takes the UTF-8 of any code point of a range that has no surrogates in it. */
  void codePoints(int from, int lowest, int highest, int to) {
    int low = lowest;
    for (int border : new int[] {0x80, 0x800, 0x10000, 0x110000}) {
      int high = Math.min(highest, border - 1);
      if (low <= high) {
        sequences(from, utf8(low), utf8(high), 0, to);
        low = high + 1;
      }
    }
  }

  private static byte[] utf8(int codePoint) {
    return Character.toString(codePoint).getBytes(StandardCharsets.UTF_8);
  }

  /** All sequences between two of the same length, from their i-th byte on. */
  private void sequences(int from, byte[] low, byte[] high, int i, int to) {
    int first = low[i] & 0xff;
    int last = high[i] & 0xff;
    if (i == low.length - 1) {
      bytes(from, first, last, to);
      return;
    }
    if (first == last) {
      int next = state();
      bytes(from, first, first, next);
      sequences(next, low, high, i + 1, to);
      return;
    }
    byte[] lowest = low.clone();
    byte[] highest = high.clone();
    Arrays.fill(lowest, i + 1, low.length, (byte) 0x80);
    Arrays.fill(highest, i + 1, low.length, (byte) 0xBF);
    if (!Arrays.equals(low, i + 1, low.length, lowest, i + 1, low.length)) {
      branch(from, first, first, low, highest, i, to);
      first++;
    }
    boolean openEnd = !Arrays.equals(high, i + 1, low.length, highest, i + 1, low.length);
    int middle = openEnd ? last - 1 : last;
    if (first <= middle) {
      branch(from, first, middle, lowest, highest, i, to);
    }
    if (openEnd) {
      branch(from, last, last, lowest, high, i, to);
    }
  }

  private void branch(int from, int first, int last, byte[] low, byte[] high, int i, int to) {
    int next = state();
    bytes(from, first, last, next);
    sequences(next, low, high, i + 1, to);
  }

  /** The network that starts with this rule. */
  Network build(Rule root) {
    int count = bytes.size();
    boolean[] isEnd = new boolean[count];
    for (int state = 0; state < count; state++) {
      isEnd[state] = ends.get(state);
    }
    Network network =
        new Network(
            arrays(bytes), arrays(epsilons), arrays(calls), isEnd, new int[count], root.start());
    findNeeds(network);
    return network;
  }

  private static int[][] arrays(List<List<Integer>> lists) {
    int[][] arrays = new int[lists.size()][];
    for (int i = 0; i < arrays.length; i++) {
      arrays[i] = lists.get(i).stream().mapToInt(Integer::intValue).toArray();
    }
    return arrays;
  }

  /** Lowers needs until nothing changes; passes alternate in direction, as chains do. */
  private static void findNeeds(Network network) {
    int[] needs = network.needs();
    for (int state = 0; state < needs.length; state++) {
      needs[state] = network.ends(state) ? 0 : Network.NEVER;
    }
    boolean changed = true;
    for (boolean down = true; changed; down = !down) {
      changed = false;
      for (int i = 0; i < needs.length; i++) {
        int state = down ? needs.length - 1 - i : i;
        int need = leastNeed(network, state);
        if (need < needs[state]) {
          needs[state] = need;
          changed = true;
        }
      }
    }
  }

  private static int leastNeed(Network network, int state) {
    int need = network.need(state);
    int[] taking = network.bytes(state);
    for (int i = 2; i < taking.length; i += 3) {
      need = Math.min(need, network.need(taking[i]));
    }
    for (int target : network.epsilons(state)) {
      need = Math.min(need, network.need(target));
    }
    int[] called = network.calls(state);
    for (int i = 0; i < called.length; i += 2) {
      // What is deeper than any output may be need not be counted on.
      int below = network.need(called[i]);
      int inner = below < Automaton.MAX_DEPTH ? 1 + below : Network.NEVER;
      need = Math.min(need, Math.max(inner, network.need(called[i + 1])));
    }
    return need;
  }
}
