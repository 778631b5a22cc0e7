package dev.kappa.plan;

import java.util.Arrays;

/** Values that come one by one. */
final class Series {

  private double[] values = new double[64];
  private int size;

  void add(double value) {
    if (size == values.length) {
      values = Arrays.copyOf(values, 2 * size);
    }
    values[size++] = value;
  }

  int size() {
    return size;
  }

  double sum() {
    double sum = 0;
    for (int i = 0; i < size; i++) {
      sum += values[i];
    }
    return sum;
  }

  Distribution distribution() {
    return Distribution.of(Arrays.copyOf(values, size));
  }
}
