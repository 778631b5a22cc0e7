package dev.kappa.sample;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;

import java.lang.foreign.MemorySegment;

/** One row of logits on the heap, checked, with its maximum. Reused from row to row. */
final class LogitsRow {

  private final float[] values;
  private float max;
  private int argmax;

  LogitsRow(int vocabularySize) {
    if (vocabularySize <= 0) {
      throw new IllegalArgumentException("vocabulary of " + vocabularySize + " tokens");
    }
    values = new float[vocabularySize];
  }

  /**
   * Copies row {@code row} of {@code [rows][vocabulary]} 32-bit floats.
   *
   * @throws BadLogitsException if a value is NaN or +infinity, or all are -infinity
   */
  void load(MemorySegment logits, int row) {
    long bytes = values.length * JAVA_FLOAT.byteSize();
    MemorySegment.copy(logits, JAVA_FLOAT_UNALIGNED, row * bytes, values, 0, values.length);
    check(row);
  }

  /**
   * Adjusts the loaded row.
   *
   * @throws InvalidSamplingException if no token is left
   * @throws BadLogitsException as {@link #load} does otherwise
   */
  void adjust(LogitsAdjuster adjuster, int row) {
    adjuster.apply(values);
    if (nothingLeft()) {
      throw new InvalidSamplingException(
          adjuster.excluding(), "what the request allows and forbids leaves no token to choose");
    }
    check(row);
  }

  private boolean nothingLeft() {
    for (float value : values) {
      if (value != Float.NEGATIVE_INFINITY) {
        return false;
      }
    }
    return true;
  }

  private void check(int row) {
    float best = Float.NEGATIVE_INFINITY;
    int at = -1;
    boolean broken = false;
    for (int i = 0; i < values.length; i++) {
      float value = values[i];
      if (value > best) {
        best = value;
        at = i;
      }
      broken |= Float.isNaN(value);
    }
    if (broken || at < 0 || best == Float.POSITIVE_INFINITY) {
      throw bad(row);
    }
    max = best;
    argmax = at;
  }

  /** The row's values; valid until the next load. */
  float[] values() {
    return values;
  }

  float max() {
    return max;
  }

  /** The lowest index of the maximum. */
  int argmax() {
    return argmax;
  }

  private BadLogitsException bad(int row) {
    for (int i = 0; i < values.length; i++) {
      if (Float.isNaN(values[i]) || values[i] == Float.POSITIVE_INFINITY) {
        return new BadLogitsException(
            "logits of row %d: token %d of %d has %s".formatted(row, i, values.length, values[i]));
      }
    }
    return new BadLogitsException(
        "logits of row %d: all %d are -infinity, no token can be chosen"
            .formatted(row, values.length));
  }
}
