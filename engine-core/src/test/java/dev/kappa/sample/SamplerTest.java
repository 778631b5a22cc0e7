package dev.kappa.sample;

import static dev.kappa.sample.SamplingFixtures.params;
import static dev.kappa.sample.SamplingFixtures.randomLogits;
import static dev.kappa.sample.SamplingFixtures.reference;
import static dev.kappa.sample.SamplingFixtures.row;
import static dev.kappa.sample.SamplingFixtures.rows;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SamplerTest {

  private static final float INFINITY = Float.POSITIVE_INFINITY;

  @ParameterizedTest
  @CsvSource({
    // temperature, top-k, top-p, min-p
    "1.0,  0, 1.0,  0.0",
    "0.6,  0, 1.0,  0.0",
    "1.7,  0, 1.0,  0.0",
    "1.0,  5, 1.0,  0.0",
    "1.0, 50, 1.0,  0.0",
    "1.0, 99, 1.0,  0.0",
    "1.0,  0, 0.9,  0.0",
    "1.0,  0, 0.5,  0.0",
    "1.0,  0, 0.999,0.0",
    "1.0,  0, 1.0,  0.05",
    "1.0,  0, 1.0,  0.5",
    "0.8, 20, 0.9,  0.0",
    "0.8, 20, 1.0,  0.02",
    "1.3,  0, 0.8,  0.05",
    "1.3, 30, 0.95, 0.02",
    "2.0, 40, 0.7,  0.1",
  })
  void drawsFollowTheExactDistribution(double temperature, int topK, double topP, double minP) {
    SamplingParams params = params(temperature, topK, topP, minP);
    for (int size : new int[] {7, 100, 1000}) {
      float[] logits = randomLogits(size, 2, size);
      logits[size / 2] = -INFINITY;
      Sampler sampler = new Sampler(size);
      long[] counts = new long[size];
      MemorySegment row = row(logits);
      for (int i = 0; i < 50_000; i++) {
        counts[sampler.sample(row, 0, params, 2026, i)]++;
      }
      ChiSquare.assertFits(counts, reference(logits, params), params + " of " + size);
    }
  }

  @Test
  void candidatesAreExactlyThoseOfTheReference() {
    Random random = new Random(5);
    for (int trial = 0; trial < 300; trial++) {
      int size = 2 + random.nextInt(600);
      float[] logits = randomLogits(size, 0.1 + 4 * random.nextDouble(), trial);
      SamplingParams params =
          params(
              0.1 + 1.9 * random.nextDouble(),
              random.nextBoolean() ? 0 : 1 + random.nextInt(size),
              random.nextBoolean() ? 1 : 0.01 + 0.98 * random.nextDouble(),
              random.nextBoolean() ? 0 : random.nextDouble());
      double[] expected = reference(logits, params);
      Sampler sampler = new Sampler(size);
      for (int i = 0; i < 20; i++) {
        int token = sampler.sample(row(logits), 0, params, trial, i);
        double uniform = CounterRandom.uniform(trial, i);
        double below = 0;
        for (int j = 0; j < token; j++) {
          below += expected[j];
        }
        assertThat(uniform)
            .as("trial %d, draw %d of token %d with %s", trial, i, token, params)
            .isBetween(below - 1e-12, below + expected[token] + 1e-12);
      }
    }
  }

  @Test
  void temperatureZeroTakesTheLowestIndexOfTheMaximum() {
    Sampler sampler = new Sampler(5);
    assertThat(sampler.sample(row(1, 3, 2, 3, -1), 0, params(0, 0, 1, 0), 9, 0)).isEqualTo(1);
    assertThat(sampler.sample(row(-0f, 0, -1, 0, -0f), 0, params(0, 0, 1, 0), 9, 0)).isZero();
    assertThat(sampler.sample(row(-INFINITY, -9, -8, -7, -8), 0, params(0, 0, 1, 0), 9, 0))
        .isEqualTo(3);
  }

  @Test
  void topKKeepsExactlyKOfEqualLogitsByIndex() {
    Sampler sampler = new Sampler(8);
    MemorySegment equal = row(0, -0f, 0, 0, -0f, 0, 0, 0);
    for (int k = 1; k <= 8; k++) {
      long[] counts = new long[8];
      for (int i = 0; i < 2_000; i++) {
        counts[sampler.sample(equal, 0, params(1, k, 1, 0), 1, i)]++;
      }
      for (int token = 0; token < 8; token++) {
        assertThat(counts[token] > 0).as("token %d with top-k %d", token, k).isEqualTo(token < k);
      }
    }
  }

  @Test
  void topPIsTakenOfWhatMinPLeaves() {
    // 0.5, 0.3, 0.1, 0.1: min-p 0.5 leaves 5/8 and 3/8, of which the first reaches 0.6 alone;
    // of the full distribution it would not.
    float[] logits = new float[4];
    double[] probabilities = {0.5, 0.3, 0.1, 0.1};
    for (int i = 0; i < 4; i++) {
      logits[i] = (float) Math.log(probabilities[i]);
    }
    Sampler sampler = new Sampler(4);
    for (int i = 0; i < 1_000; i++) {
      assertThat(sampler.sample(row(logits), 0, params(1, 0, 0.6, 0.5), 3, i)).isZero();
    }
  }

  @Test
  void tinyTopPAndTinyTemperatureAreGreedy() {
    float[] logits = randomLogits(1000, 2, 17);
    Sampler sampler = new Sampler(1000);
    int best = SamplingFixtures.ranked(logits)[0];
    for (int i = 0; i < 200; i++) {
      assertThat(sampler.sample(row(logits), 0, params(1, 0, 1e-300, 0), 4, i)).isEqualTo(best);
    }
    logits[best] += 1;
    for (double temperature : new double[] {1e-4, 1e-300, Double.MIN_VALUE}) {
      assertThat(sampler.sample(row(logits), 0, params(temperature, 0, 1, 0), 4, 1))
          .isEqualTo(best);
    }
  }

  @Test
  void drawDependsOnlyOnLogitsParametersSeedAndIndex() {
    SamplingParams params = params(0.9, 40, 0.95, 0);
    List<float[]> batch = new ArrayList<>();
    for (int i = 0; i < 6; i++) {
      batch.add(randomLogits(500, 2, 100 + i));
    }
    Sampler used = new Sampler(500);
    for (int i = 0; i < 50; i++) {
      used.sample(rows(batch), i % 6, params(1.5, 0, 0.5, 0.1), i, i);
    }
    for (int index = 0; index < 50; index++) {
      int alone = new Sampler(500).sample(row(batch.get(4)), 0, params, 77, index);
      assertThat(used.sample(rows(batch), 4, params, 77, index)).isEqualTo(alone);
    }
  }

  @Test
  void differentSeedsGiveDifferentSequences() {
    float[] logits = new float[1000];
    Sampler sampler = new Sampler(1000);
    int equal = 0;
    for (int i = 0; i < 1000; i++) {
      int a = sampler.sample(row(logits), 0, params(1, 0, 1, 0), 1, i);
      int b = sampler.sample(row(logits), 0, params(1, 0, 1, 0), 2, i);
      equal += a == b ? 1 : 0;
    }
    assertThat(equal).isLessThan(10);
  }

  @Test
  void readsRowsFromNativeMemoryThatIsNotAligned() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment memory = arena.allocate(4 * 3 * 2 + 1).asSlice(1);
      MemorySegment.copy(row(1, 2, 3, 6, 5, 4), 0, memory, 0, 24);
      Sampler sampler = new Sampler(3);
      assertThat(sampler.sample(memory, 0, params(0, 0, 1, 0), 0, 0)).isEqualTo(2);
      assertThat(sampler.sample(memory, 1, params(0, 0, 1, 0), 0, 0)).isZero();
      assertThatThrownBy(() -> sampler.sample(memory, 2, params(0, 0, 1, 0), 0, 0))
          .isInstanceOf(IndexOutOfBoundsException.class);
    }
  }

  @ParameterizedTest
  @CsvSource({"0", "1"})
  void refusesRowsThatAreNoDistribution(double temperature) {
    SamplingParams params = params(temperature, 0, 1, 0);
    Sampler sampler = new Sampler(3);
    assertThatThrownBy(() -> sampler.sample(row(1, Float.NaN, 2), 0, params, 0, 0))
        .isInstanceOf(BadLogitsException.class)
        .hasMessage("logits of row 0: token 1 of 3 has NaN");
    assertThatThrownBy(() -> sampler.sample(row(1, 0, INFINITY), 0, params, 0, 0))
        .isInstanceOf(BadLogitsException.class)
        .hasMessageContaining("token 2 of 3 has Infinity");
    assertThatThrownBy(() -> sampler.sample(row(-INFINITY, -INFINITY, -INFINITY), 0, params, 0, 0))
        .isInstanceOf(BadLogitsException.class)
        .hasMessageContaining("all 3 are -infinity");
  }

  @Test
  void neverChoosesMaskedTokens() {
    float[] logits = new float[100];
    for (int i = 0; i < 100; i++) {
      logits[i] = i % 10 == 3 ? 0 : -INFINITY;
    }
    Sampler sampler = new Sampler(100);
    for (int i = 0; i < 500; i++) {
      assertThat(sampler.sample(row(logits), 0, params(2, 50, 0.999, 0), 8, i) % 10).isEqualTo(3);
    }
  }
}
