package dev.kappa.sample;

/**
 * The tokens that a draw may choose from, in order of their index, with weights relative to the
 * most likely token. Reused from draw to draw; not thread-safe.
 *
 * <p>Tokens stay in index order, not rank order, so that a small change of the logits moves the
 * borders between tokens a little instead of reordering them.
 */
final class Candidates {

  private final int[] tokens;
  private final double[] weights;
  private final long[] keys;
  private int count;
  private double total;

  Candidates(int vocabularySize) {
    tokens = new int[vocabularySize];
    weights = new double[vocabularySize];
    keys = new long[vocabularySize];
  }

  /**
   * Takes the tokens that rank no worse than a key and weigh at least {@code minP}.
   *
   * @param temperature above 0
   * @param worstKey {@link RankKey} of the last token that may enter
   */
  void collect(LogitsRow row, double temperature, double minP, long worstKey) {
    float[] values = row.values();
    float max = row.max();
    float worstLogit = RankKey.logit(worstKey);
    int worstIndex = RankKey.index(worstKey);
    // Saves the exponential of tokens far below the border; the exact test follows it.
    double floor = max + temperature * Math.log(minP) - 1e-3 * Math.max(1, Math.abs(max));
    int n = 0;
    double sum = 0;
    for (int i = 0; i < values.length; i++) {
      float value = values[i];
      if (value < worstLogit || (value == worstLogit && i > worstIndex) || value < floor) {
        continue;
      }
      double weight = Math.exp(((double) value - max) / temperature);
      if (weight > 0 && weight >= minP) {
        tokens[n] = i;
        weights[n++] = weight;
        sum += weight;
      }
    }
    count = n;
    total = sum;
  }

  /** Keeps the smallest set of most likely tokens whose share of the weight reaches topP. */
  void keepNucleus(LogitsRow row, double topP) {
    float[] values = row.values();
    // Tokens lighter than this weigh less than 1 - topP all together, so none is needed.
    double light = (1 - topP) * total / count;
    int n = 0;
    for (int i = 0; i < count; i++) {
      if (weights[i] >= light) {
        keys[n++] = RankKey.of(values[tokens[i]], i);
      }
    }
    long last = keyWhereMassReaches(topP * total, n);
    float lastLogit = RankKey.logit(last);
    int lastIndex = RankKey.index(last);
    int kept = 0;
    double sum = 0;
    for (int i = 0; i < count; i++) {
      float value = values[tokens[i]];
      if (value > lastLogit || (value == lastLogit && i <= lastIndex)) {
        tokens[kept] = tokens[i];
        weights[kept] = weights[i];
        sum += weights[kept++];
      }
    }
    count = kept;
    total = sum;
  }

  /** The token at a position in [0, 1) of the cumulative distribution. */
  int at(double uniform) {
    double target = uniform * total;
    double sum = 0;
    for (int i = 0; i < count; i++) {
      sum += weights[i];
      if (target < sum) {
        return tokens[i];
      }
    }
    // Only when uniform * total rounds up to total.
    return tokens[count - 1];
  }

  /** Quickselect by weight instead of by number over the first n keys. */
  private long keyWhereMassReaches(double target, int n) {
    int from = 0;
    int to = n;
    double missing = target;
    while (to - from > 1) {
      int split = partition(from, to);
      double before = 0;
      for (int i = from; i < split; i++) {
        before += weights[RankKey.index(keys[i])];
      }
      if (split > from && before >= missing) {
        to = split;
        continue;
      }
      missing -= before + weights[RankKey.index(keys[split])];
      if (missing <= 0) {
        return keys[split];
      }
      if (split + 1 == to) {
        // Rounding left the mass just short of the target.
        return keys[split];
      }
      from = split + 1;
    }
    return keys[from];
  }

  /** Splits a range around its median of three; returns where the pivot came to lie. */
  private int partition(int from, int to) {
    int middle = (from + to) >>> 1;
    int last = to - 1;
    if (keys[middle] < keys[from]) {
      swap(middle, from);
    }
    if (keys[last] < keys[from]) {
      swap(last, from);
    }
    if (keys[middle] < keys[last]) {
      swap(middle, last);
    }
    long pivot = keys[last];
    int split = from;
    for (int i = from; i < last; i++) {
      if (keys[i] < pivot) {
        swap(i, split++);
      }
    }
    swap(split, last);
    return split;
  }

  private void swap(int a, int b) {
    long key = keys[a];
    keys[a] = keys[b];
    keys[b] = key;
  }
}
