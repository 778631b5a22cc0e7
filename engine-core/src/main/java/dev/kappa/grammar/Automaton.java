package dev.kappa.grammar;

import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Collection;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Runs a {@link Network} on all paths at once and remembers the places it has been to. Confined to
 * one thread.
 */
final class Automaton {

  /** One path: where it is in its rule, and who called that. */
  private record Path(int state, @Nullable Stack stack) {}

  /** All paths that the bytes so far may have taken. Compared by identity. */
  static final class Place {
    private final Collection<Path> paths;
    private final boolean mayEnd;
    private @Nullable Place @Nullable [] next;

    private Place(Collection<Path> paths, boolean mayEnd) {
      this.paths = paths;
      this.mayEnd = mayEnd;
    }

    /** Whether the text may end here. */
    boolean mayEnd() {
      return mayEnd;
    }

    /** Whether no byte can follow. */
    boolean isLast() {
      return paths.isEmpty();
    }
  }

  /** Where no path leads. */
  static final Place NOWHERE = new Place(Set.of(), false);

  /** Most calls within each other; JSON nests at most that deep. */
  static final int MAX_DEPTH = 64;

  /**
   * Most paths at once. Dropping further ones keeps outputs valid, as each path alone can be
   * completed; it takes choices from the model.
   */
  private static final int MAX_PATHS = 8192;

  /**
   * Most paths that are followed between two bytes: calls may multiply them before any is taken.
   */
  private static final int MAX_FOLLOWED = 1 << 16;

  /** What is remembered at most: a place weighs as much as so many paths. */
  private static final int MAX_REMEMBERED = 200_000;

  private static final int PLACE_WEIGHT = 32;

  private record Key(Set<Path> paths, boolean mayEnd) {}

  private final Network network;
  private final Map<Key, Place> places = new HashMap<>();
  private final Deque<Path> pending = new ArrayDeque<>();
  private final Set<Path> seen = new HashSet<>();
  private final Place start;
  private int remembered;

  Automaton(Network network) {
    this.network = network;
    add(network.start(), null);
    start = gather();
  }

  /** Before the first byte; {@link #NOWHERE} if the language is empty. */
  Place start() {
    return start;
  }

  /** The place after one more byte. */
  Place next(Place place, int value) {
    @Nullable Place[] known = place.next;
    if (known == null) {
      known = new @Nullable Place[256];
      place.next = known;
    }
    Place next = known[value];
    return next == null ? step(place, value, known) : next;
  }

  /** Goes on by a byte, and notes the result for its neighbours that all paths treat like it. */
  private Place step(Place place, int value, @Nullable Place[] known) {
    int low = 0;
    int high = known.length - 1;
    for (Path path : place.paths) {
      int[] edges = network.bytes(path.state());
      for (int i = 0; i < edges.length; i += 3) {
        if (value < edges[i]) {
          high = Math.min(high, edges[i] - 1);
        } else if (value > edges[i + 1]) {
          low = Math.max(low, edges[i + 1] + 1);
        } else {
          low = Math.max(low, edges[i]);
          high = Math.min(high, edges[i + 1]);
          add(edges[i + 2], path.stack());
        }
      }
    }
    Place next = gather();
    Arrays.fill(known, low, high + 1, next);
    return next;
  }

  /** Takes note of a path, unless it could not be completed any more. */
  private void add(int state, @Nullable Stack stack) {
    if (Stack.depth(stack) + network.need(state) <= MAX_DEPTH) {
      pending.add(new Path(state, stack));
    }
  }

  /** Follows all edges that take no byte. */
  private Place gather() {
    Set<Path> taking = new LinkedHashSet<>();
    boolean mayEnd = false;
    // Depth first, so that some path is found to the next byte before there are too many.
    for (Path path = pending.pollLast(); path != null; path = pending.pollLast()) {
      if (!seen.add(path)) {
        continue;
      }
      if (seen.size() > MAX_FOLLOWED && (mayEnd || !taking.isEmpty())) {
        pending.clear();
        break;
      }
      int state = path.state();
      if (network.bytes(state).length > 0 && taking.size() < MAX_PATHS) {
        taking.add(path);
      }
      Stack stack = path.stack();
      if (network.ends(state)) {
        if (stack == null) {
          mayEnd = true;
        } else {
          add(stack.state(), stack.outer());
        }
      }
      for (int target : network.epsilons(state)) {
        add(target, stack);
      }
      call(path);
    }
    seen.clear();
    return place(taking, mayEnd);
  }

  private void call(Path path) {
    int[] calls = network.calls(path.state());
    int depth = Stack.depth(path.stack());
    for (int i = 0; i < calls.length; i += 2) {
      int after = calls[i + 1];
      if (network.onlyEnds(after)) {
        add(calls[i], path.stack());
      } else if (depth + network.need(after) <= MAX_DEPTH) {
        add(calls[i], new Stack(after, path.stack()));
      }
    }
  }

  private Place place(Set<Path> paths, boolean mayEnd) {
    if (paths.isEmpty() && !mayEnd) {
      return NOWHERE;
    }
    Key key = new Key(paths, mayEnd);
    Place known = places.get(key);
    if (known != null) {
      return known;
    }
    if (remembered > MAX_REMEMBERED) {
      forget();
    }
    Place place = new Place(paths, mayEnd);
    places.put(key, place);
    remembered += PLACE_WEIGHT + paths.size();
    return place;
  }

  /** Cuts all ways between places, so that those that no output is at can go. */
  private void forget() {
    places.values().forEach(place -> place.next = null);
    start.next = null;
    places.clear();
    remembered = 0;
  }
}
