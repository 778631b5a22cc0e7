package dev.kappa.sample;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;

/** Rows of logits, and the distribution a sampler must follow written as plainly as possible. */
final class SamplingFixtures {

  private SamplingFixtures() {}

  static SamplingParams params(double temperature, int topK, double topP, double minP) {
    return SamplingParams.builder()
        .temperature(temperature)
        .topK(topK)
        .topP(topP)
        .minP(minP)
        .maxTokens(1)
        .build();
  }

  /** One row in native memory. */
  static MemorySegment row(float... logits) {
    return MemorySegment.ofArray(logits);
  }

  /** Normally distributed logits, rounded so that some are equal. */
  static float[] randomLogits(int count, double spread, long seed) {
    Random random = new Random(seed);
    float[] logits = new float[count];
    for (int i = 0; i < count; i++) {
      logits[i] = (float) (Math.rint(random.nextGaussian() * spread * 8) / 8);
    }
    return logits;
  }

  static MemorySegment rows(List<float[]> rows) {
    int columns = rows.getFirst().length;
    float[] all = new float[rows.size() * columns];
    for (int i = 0; i < rows.size(); i++) {
      System.arraycopy(rows.get(i), 0, all, i * columns, columns);
    }
    return MemorySegment.ofArray(all).asSlice(0, all.length * JAVA_FLOAT.byteSize());
  }

  /** Token indices from the most likely to the least, lower index first among equals. */
  static int[] ranked(float[] logits) {
    return IntStream.range(0, logits.length)
        .boxed()
        .sorted(Comparator.comparingDouble((Integer i) -> -(logits[i] + 0f)).thenComparing(i -> i))
        .mapToInt(Integer::intValue)
        .toArray();
  }

  /** Probabilities after temperature, min-p, top-k and top-p in this order, by sorting. */
  static double[] reference(float[] logits, SamplingParams params) {
    int[] ranked = ranked(logits);
    double best = logits[ranked[0]];
    double[] weights = new double[logits.length];
    for (int i = 0; i < logits.length; i++) {
      weights[i] = Math.exp((logits[i] - best) / params.temperature());
    }
    for (int i = 0; i < logits.length; i++) {
      if (weights[i] < params.minP()) {
        weights[i] = 0;
      }
    }
    for (int rank = params.topK() == 0 ? logits.length : params.topK();
        rank < logits.length;
        rank++) {
      weights[ranked[rank]] = 0;
    }
    double total = Arrays.stream(weights).sum();
    double before = 0;
    for (int token : ranked) {
      if (params.topP() < 1 && before >= params.topP() * total) {
        weights[token] = 0;
      }
      before += weights[token];
    }
    double kept = Arrays.stream(weights).sum();
    return Arrays.stream(weights).map(weight -> weight / kept).toArray();
  }
}
