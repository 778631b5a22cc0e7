package dev.kappa.grammar;

import dev.kappa.grammar.NumberCompiler.Bound;
import dev.kappa.grammar.NumberCompiler.Kind;
import java.math.BigDecimal;
import java.util.HashMap;
import java.util.Map;

/**
 * Adds the numbers of 0 and more between two limits to a network, digit by digit. As long as the
 * digits so far are those of a limit, it decides what the next may be; after that it no longer
 * matters. Not thread-safe.
 */
final class MagnitudeBuilder {

  private final NetworkBuilder builder;
  private final Digits low;
  private final Digits high;
  private final boolean empty;
  private final Kind kind;
  private final Map<Place, Integer> states = new HashMap<>();
  private int end;

  /** A limit as digits, without zeros at the end of its fraction. */
  private record Digits(String whole, String fraction, boolean excluded) {

    static Digits of(Bound bound) {
      String[] parts = bound.value().stripTrailingZeros().toPlainString().split("\\.", 2);
      return new Digits(parts[0], parts.length == 1 ? "" : parts[1], bound.excluded());
    }

    /** The digit that so many are left to come of, itself included. */
    int wholeDigit(int left) {
      return whole.charAt(whole.length() - left) - '0';
    }

    int fractionDigit(int index) {
      return index < fraction.length() ? fraction.charAt(index) - '0' : 0;
    }
  }

  /**
   * What the rest of a number depends on.
   *
   * @param left digits of the whole part that are to come
   * @param used digits that have come, those to come in the whole part included
   * @param behind digits behind the point; -1 before it
   * @param onLow whether all digits were those of the lower limit
   * @param onHigh the same for the upper one
   * @param remainder of the whole part so far
   */
  private record Place(
      int left, int used, int behind, boolean onLow, boolean onHigh, int remainder) {}

  /**
   * @param low 0 or more
   * @param high may be below {@code low}: then there are no numbers
   */
  MagnitudeBuilder(NetworkBuilder builder, Bound low, Bound high, Kind kind) {
    this.builder = builder;
    this.kind = kind;
    empty = high.value().signum() < 0 || low.value().compareTo(high.value()) > 0;
    Bound zero = new Bound(BigDecimal.ZERO, true);
    this.low = Digits.of(empty ? zero : low);
    this.high = Digits.of(empty ? zero : high);
  }

  /** Adds all of them between two states. */
  void add(int from, int to) {
    if (empty) {
      return;
    }
    end = to;
    for (int length = low.whole.length();
        length <= Math.min(JsonRules.MAX_DIGITS, high.whole.length());
        length++) {
      boolean onLow = length == low.whole.length();
      boolean onHigh = length == high.whole.length();
      int used = kind.fraction() == 0 ? 0 : length;
      addDigits(from, new Place(length, used, -1, onLow, onHigh, 0), length > 1 ? 1 : 0);
    }
  }

  private int state(Place place) {
    Integer known = states.get(place);
    if (known != null) {
      return known;
    }
    int state = builder.state();
    states.put(place, state);
    if (place.left > 0) {
      addDigits(state, place, 0);
    } else {
      if (mayEnd(place)) {
        builder.epsilon(state, end);
      }
      addFraction(state, place);
    }
    return state;
  }

  /**
   * The next digit of the whole part.
   *
   * @param lowest 1 for a first digit that others follow
   */
  private void addDigits(int from, Place place, int lowest) {
    int least = place.onLow ? low.wholeDigit(place.left) : 0;
    int most = place.onHigh ? high.wholeDigit(place.left) : 9;
    for (int digit = Math.max(lowest, least); digit <= most; digit++) {
      Place next =
          new Place(
              place.left - 1,
              place.used,
              -1,
              place.onLow && digit == least,
              place.onHigh && digit == most,
              (place.remainder * 10 + digit) % kind.step());
      builder.any(from, Integer.toString(digit), state(next));
    }
  }

  private void addFraction(int from, Place place) {
    int behind = place.behind;
    if (behind < 0) {
      boolean hasRoom = kind.fraction() > 0 && place.used < JsonRules.MAX_DIGITS;
      if (hasRoom) {
        int point = builder.any(from, ".");
        addFractionDigits(point, place, 0);
      }
    } else if (behind < kind.fraction() && place.used + behind < JsonRules.MAX_DIGITS) {
      addFractionDigits(from, place, behind);
    }
  }

  private void addFractionDigits(int from, Place place, int behind) {
    int least = place.onLow ? low.fractionDigit(behind) : 0;
    int most = place.onHigh ? high.fractionDigit(behind) : 9;
    for (int digit = least; digit <= most; digit++) {
      Place next =
          new Place(
              0,
              place.used,
              behind + 1,
              place.onLow && digit == least,
              place.onHigh && digit == most,
              0);
      builder.any(from, Integer.toString(digit), state(next));
    }
  }

  private boolean mayEnd(Place place) {
    int behind = Math.max(0, place.behind);
    boolean aboveLow = !place.onLow || (low.fraction.length() <= behind && !low.excluded);
    boolean belowHigh = !place.onHigh || high.fraction.length() > behind || !high.excluded;
    return aboveLow && belowHigh && place.remainder == 0;
  }
}
