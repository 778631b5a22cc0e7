package dev.kappa.grammar;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;

/** A set of Unicode code points, surrogates left out. Immutable. */
final class CodePoints {

  static final CodePoints NONE = new CodePoints(List.of());
  static final CodePoints ALL = of(0, Character.MAX_CODE_POINT);

  /** A stretch of code points, both ends included. */
  record Range(int low, int high) {}

  private final List<Range> ranges;

  private CodePoints(List<Range> ranges) {
    this.ranges = ranges;
  }

  static CodePoints of(int low, int high) {
    return NONE.and(low, high);
  }

  static CodePoints of(String characters) {
    return union(characters.codePoints().mapToObj(point -> of(point, point)).toList());
  }

  /** Those of all sets. */
  static CodePoints union(Collection<CodePoints> sets) {
    List<Range> all = new ArrayList<>();
    sets.forEach(set -> all.addAll(set.ranges));
    return new CodePoints(merged(all));
  }

  /** The ranges in ascending order; they neither touch nor overlap. */
  List<Range> ranges() {
    return ranges;
  }

  /** These and those of a range. */
  CodePoints and(int low, int high) {
    List<Range> all = new ArrayList<>(ranges);
    all.add(new Range(low, high));
    return new CodePoints(withoutSurrogates(merged(all)));
  }

  CodePoints and(CodePoints others) {
    return union(List.of(this, others));
  }

  /** All others. */
  CodePoints complement() {
    List<Range> holes = new ArrayList<>();
    int low = 0;
    for (Range range : ranges) {
      if (low < range.low) {
        holes.add(new Range(low, range.low - 1));
      }
      low = range.high + 1;
    }
    if (low <= Character.MAX_CODE_POINT) {
      holes.add(new Range(low, Character.MAX_CODE_POINT));
    }
    return new CodePoints(withoutSurrogates(holes));
  }

  CodePoints without(CodePoints others) {
    return complement().and(others).complement();
  }

  boolean contains(int codePoint) {
    return ranges.stream().anyMatch(range -> range.low <= codePoint && codePoint <= range.high);
  }

  private static List<Range> merged(List<Range> all) {
    all.sort(Comparator.comparingInt(Range::low));
    List<Range> merged = new ArrayList<>();
    for (Range range : all) {
      if (!merged.isEmpty() && range.low <= merged.getLast().high + 1) {
        Range last = merged.removeLast();
        merged.add(new Range(last.low, Math.max(last.high, range.high)));
      } else {
        merged.add(range);
      }
    }
    return List.copyOf(merged);
  }

  private static List<Range> withoutSurrogates(List<Range> all) {
    List<Range> kept = new ArrayList<>();
    for (Range range : all) {
      for (Range side :
          Arrays.asList(
              new Range(range.low, Math.min(range.high, Character.MIN_SURROGATE - 1)),
              new Range(Math.max(range.low, Character.MAX_SURROGATE + 1), range.high))) {
        if (side.low <= side.high) {
          kept.add(side);
        }
      }
    }
    return List.copyOf(kept);
  }
}
