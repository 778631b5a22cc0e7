package dev.kappa.grammar;

import java.math.BigDecimal;
import java.math.RoundingMode;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * Turns schemas of numbers with limits into parts of a network, which write exactly the numbers
 * within them: without an exponent, and with 15 digits at most, which no two different doubles
 * share, so that a reader who rounds finds them within the limits as well. Not thread-safe.
 */
final class NumberCompiler {

  /** Steps of which remainders are counted. */
  private static final int MAX_STEP = 1000;

  private static final BigDecimal LIMIT = BigDecimal.TEN.pow(JsonRules.MAX_DIGITS);

  private final NetworkBuilder builder;
  private final JsonRules json;

  /** One end of a range. */
  record Bound(BigDecimal value, boolean excluded) {

    Bound negated() {
      return new Bound(value.negate(), excluded);
    }

    /** Whether a number is not on the inner side, seen from below. */
    private boolean isAbove(Bound other) {
      int order = value.compareTo(other.value);
      return order > 0 || (order == 0 && excluded && !other.excluded);
    }
  }

  /**
   * What numbers are like.
   *
   * @param fraction most digits behind the point
   * @param step whole numbers are multiples of it
   */
  record Kind(int fraction, int step) {}

  NumberCompiler(NetworkBuilder builder, JsonRules json) {
    this.builder = builder;
    this.json = json;
  }

  int compile(int from, SchemaNode node, boolean integer) {
    Bound low = bound(node, "minimum", "exclusiveMinimum", true);
    Bound high = bound(node, "maximum", "exclusiveMaximum", false);
    JsonNode step = node.get("multipleOf");
    if (low == null && high == null && step == null) {
      return integer ? json.integer(from) : json.number(from);
    }
    Kind kind =
        step == null ? new Kind(integer ? 0 : JsonRules.MAX_DIGITS - 1, 1) : kind(node, integer);
    Bound least = low == null ? new Bound(LIMIT.negate(), true) : low;
    Bound most = high == null ? new Bound(LIMIT, true) : high;
    Bound zero = new Bound(BigDecimal.ZERO, true);
    int end = builder.state();
    int minus = builder.any(from, "-");
    Bound leastNegated = most.negated().isAbove(zero) ? most.negated() : zero;
    new MagnitudeBuilder(builder, leastNegated, least.negated(), kind).add(minus, end);
    Bound leastPlain = least.value.signum() < 0 ? new Bound(BigDecimal.ZERO, false) : least;
    new MagnitudeBuilder(builder, leastPlain, most, kind).add(from, end);
    return end;
  }

  /** The narrower of two limits; null if there is neither. */
  private static @Nullable Bound bound(
      SchemaNode node, String inclusive, String exclusive, boolean fromBelow) {
    BigDecimal with = node.decimal(inclusive);
    BigDecimal without = node.decimal(exclusive);
    if (without != null && without.stripTrailingZeros().precision() > JsonRules.MAX_DIGITS) {
      throw node.error(exclusive, exclusive + " is supported with up to 15 digits");
    }
    if (with == null || without == null) {
      return with != null
          ? new Bound(with, false)
          : without == null ? null : new Bound(without, true);
    }
    int order = fromBelow ? without.compareTo(with) : with.compareTo(without);
    return order >= 0 ? new Bound(without, true) : new Bound(with, false);
  }

  private static Kind kind(SchemaNode node, boolean integer) {
    BigDecimal given = node.decimal("multipleOf");
    BigDecimal step = given == null ? BigDecimal.ONE : given.stripTrailingZeros();
    if (step.signum() <= 0) {
      throw node.error("multipleOf", "multipleOf must be above 0");
    }
    boolean isPower = step.unscaledValue().intValue() == 1 && step.precision() == 1;
    if (isPower && step.scale() >= 0 && step.scale() < JsonRules.MAX_DIGITS) {
      return new Kind(integer ? 0 : step.scale(), 1);
    }
    boolean isWhole = step.scale() <= 0;
    if (!isWhole || step.compareTo(BigDecimal.valueOf(MAX_STEP)) > 0) {
      throw node.error(
          "multipleOf",
          "multipleOf is supported for whole numbers up to %d and for 0.1, 0.01 and so on"
              .formatted(MAX_STEP));
    }
    return new Kind(0, step.setScale(0, RoundingMode.UNNECESSARY).intValue());
  }
}
