package dev.kappa.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Mixtures of experts against plain double arithmetic. */
abstract class ExpertContract extends BlockContract {

  /** Scores are 32-bit floats on every device, and so are the sums of their exponentials. */
  private static final double WEIGHT_ERROR = 1e-5;

  @ParameterizedTest
  @CsvSource({"1,8,2,true", "37,5,5,true", "70,131,7,false", "3,64,8,true", "2,1,1,false"})
  void choosesTheLargestScores(int rows, int experts, int perToken, boolean normalized) {
    Router router = new Router(experts, perToken, normalized);
    // Eighths, of which many are equal.
    float[] scores = new float[rows * experts];
    for (int i = 0; i < scores.length; i++) {
      scores[i] = (random.nextInt(81) - 40) / 8f;
    }
    Choices choices = route(scores, rows, router);
    for (int row = 0; row < rows; row++) {
      float[] own = Arrays.copyOfRange(scores, row * experts, (row + 1) * experts);
      int[] ranked =
          IntStream.range(0, experts)
              .boxed()
              .sorted((a, b) -> Float.compare(own[b], own[a]))
              .mapToInt(Integer::intValue)
              .toArray();
      double all = 0;
      double chosen = 0;
      for (int i = 0; i < experts; i++) {
        all += Math.exp(own[ranked[i]]);
        chosen += i < perToken ? Math.exp(own[ranked[i]]) : 0;
      }
      for (int slot = 0; slot < perToken; slot++) {
        int at = row * perToken + slot;
        assertThat(choices.experts[at]).as("row %d, slot %d", row, slot).isEqualTo(ranked[slot]);
        double weight = Math.exp(own[ranked[slot]]) / (normalized ? chosen : all);
        assertThat((double) choices.weights[at])
            .isBetween(weight * (1 - WEIGHT_ERROR), weight * (1 + WEIGHT_ERROR));
      }
    }
  }

  @Test
  void choosesTheFirstOfEqualScores() {
    Choices choices = route(new float[40], 1, new Router(40, 4, true));
    assertThat(choices.experts).containsExactly(0, 1, 2, 3);
    assertThat(choices.weights).containsExactly(0.25f, 0.25f, 0.25f, 0.25f);
  }

  @Test
  void choosesDifferentExpertsEvenByScoresThatAreNoNumbers() {
    float[] scores = new float[40];
    Arrays.fill(scores, Float.NaN);
    Choices choices = route(scores, 1, new Router(40, 4, false));
    assertThat(choices.experts)
        .doesNotHaveDuplicates()
        .satisfies(
            chosen -> assertThat(Arrays.stream(chosen).allMatch(e -> e >= 0 && e < 40)).isTrue());
    assertThat(choices.weights).containsOnly(Float.NaN);
  }

  @ParameterizedTest
  @CsvSource({
    "F32,1,4,2,32,32",
    "F32,19,5,3,48,40",
    "BF16,1,8,2,64,96",
    "BF16,45,6,2,72,56",
    "F16,2,3,1,16,24",
    "F16,9,4,4,33,17",
    "BF16,130,2,1,64,32"
  })
  void addsUpTheChosenExperts(
      DType dtype, int rows, int experts, int perToken, int hidden, int intermediate) {
    for (Activation activation : Activation.values()) {
      Scene scene =
          new Scene(dtype, new Router(experts, perToken, true), hidden, intermediate, activation);
      float[] in = randomActivations(rows * hidden);
      Choices choices = route(randomFloats(rows * experts, 2f, DType.F32), rows, scene.router);
      float[] actual = scene.run(in, choices, rows);
      assertClose(actual, scene.expected(in, choices, rows), 16, "experts, " + activation);
    }
  }

  @Test
  void takesAnExpertThatAllRowsChooseAndOthersThatNoneDoes() {
    Scene scene = new Scene(DType.BF16, new Router(6, 2, false), 32, 64, Activation.SILU);
    int rows = 50;
    float[] scores = new float[rows * 6];
    for (int row = 0; row < rows; row++) {
      scores[row * 6 + 4] = 3;
      scores[row * 6 + row % 2] = 2;
    }
    float[] in = randomActivations(rows * 32);
    Choices choices = route(scores, rows, scene.router);
    assertClose(scene.run(in, choices, rows), scene.expected(in, choices, rows), 16, "experts");
  }

  @ParameterizedTest
  @EnumSource
  void giveARowTheSameBitsWhateverOthersThereAre(DType dtype) {
    Router router = new Router(5, 2, true);
    Scene scene = new Scene(dtype, router, 40, 72, Activation.SILU);
    int rows = 33;
    float[] in = randomActivations(rows * 40);
    float[] scores = randomFloats(rows * 5, 2f, DType.F32);
    float[] together = scene.run(in, route(scores, rows, router), rows);
    for (int row = 0; row < rows; row++) {
      float[] one = Arrays.copyOfRange(in, row * 40, (row + 1) * 40);
      Choices choices = route(Arrays.copyOfRange(scores, row * 5, (row + 1) * 5), 1, router);
      float[] expected = Arrays.copyOfRange(together, row * 40, (row + 1) * 40);
      assertSameBits(scene.run(one, choices, 1), expected, "row " + row + " alone");
    }
  }

  @Test
  void refusesWeightsThatDoNotGoTogether() {
    Weight gateUp = loadWeights(DType.F32, 4, 16, new float[4 * 24 * 16]);
    Weight down = loadWeights(DType.F32, 4, 12, new float[4 * 16 * 12]);
    Router router = new Router(4, 2, true);
    assertThat(new Experts(router, gateUp, down, Activation.SILU).intermediate()).isEqualTo(12);
    assertThatThrownBy(() -> new Experts(new Router(3, 2, true), gateUp, down, Activation.SILU))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> new Experts(router, down, gateUp, Activation.SILU))
        .isInstanceOf(IllegalArgumentException.class);
    DeviceMemory memory = poisoned(64);
    assertThatThrownBy(() -> device.kernels().matmul(stream, memory, 1, gateUp, memory))
        .isInstanceOf(IllegalArgumentException.class);
  }

  /** What a device chose: {@code [rows][perToken]}. */
  @SuppressWarnings("ArrayRecordComponent") // Compared by nobody.
  private record Choices(DeviceMemory memory, int[] experts, float[] weights) {}

  private Choices route(float[] scores, int rows, Router router) {
    DeviceMemory memory = poisonedBytes(router.choiceBytes(rows));
    device.kernels().route(stream, upload(scores, DType.F32), rows, router, memory);
    int count = rows * router.perToken();
    float[] pairs = download(memory, 2 * count, DType.F32);
    int[] experts = new int[count];
    float[] weights = new float[count];
    for (int i = 0; i < count; i++) {
      experts[i] = Float.floatToRawIntBits(pairs[2 * i]);
      weights[i] = pairs[2 * i + 1];
    }
    return new Choices(memory, experts, weights);
  }

  private Weight loadWeights(DType dtype, int matrices, int columns, float[] elements) {
    int rows = elements.length / columns / matrices;
    try (Arena arena = Arena.ofShared()) {
      MemorySegment segment = arena.allocate((long) elements.length * dtype.bytes());
      Numbers.write(dtype, elements, segment);
      return own(
          device.loadWeight(
              new MatrixSource(dtype, matrices, rows, columns, () -> List.of(segment))));
    }
  }

  /** Experts with random weights. */
  private final class Scene {

    final Router router;
    final int hidden;
    final int intermediate;
    final Activation activation;
    final float[] gateUp;
    final float[] down;
    final Experts experts;

    Scene(DType dtype, Router router, int hidden, int intermediate, Activation activation) {
      this.router = router;
      this.hidden = hidden;
      this.intermediate = intermediate;
      this.activation = activation;
      // Eight bits, which every device keeps.
      gateUp = randomFloats(router.experts() * 2 * intermediate * hidden, 0.25f, DType.BF16);
      down = randomFloats(router.experts() * hidden * intermediate, 0.25f, DType.BF16);
      for (float[] weights : new float[][] {gateUp, down}) {
        for (int i = 0; i < weights.length; i++) {
          weights[i] = Numbers.round(DType.F16, weights[i]);
        }
      }
      experts =
          new Experts(
              router,
              loadWeights(dtype, router.experts(), hidden, gateUp),
              loadWeights(dtype, router.experts(), intermediate, down),
              activation);
    }

    float[] run(float[] in, Choices choices, int rows) {
      DeviceMemory scratch =
          poisonedBytes(device.kernels().expertScratchBytes(router, hidden, intermediate, rows));
      DeviceMemory out = poisoned(rows * hidden);
      device.kernels().experts(stream, upload(in), rows, experts, choices.memory, scratch, out);
      return download(out, rows * hidden);
    }

    double[] expected(float[] in, Choices choices, int rows) {
      double[] out = new double[rows * hidden];
      for (int i = 0; i < rows * router.perToken(); i++) {
        int row = i / router.perToken();
        int expert = choices.experts[i];
        double[] gated = new double[intermediate];
        for (int n = 0; n < intermediate; n++) {
          double gate =
              dot(in, row * hidden, gateUp, (expert * 2 * intermediate + n) * hidden, hidden);
          double up =
              dot(in, row * hidden, gateUp, ((expert * 2 + 1) * intermediate + n) * hidden, hidden);
          gated[n] = Reference.activate(activation, gate) * up;
        }
        for (int n = 0; n < hidden; n++) {
          double sum = 0;
          for (int k = 0; k < intermediate; k++) {
            sum += gated[k] * down[(expert * hidden + n) * intermediate + k];
          }
          out[row * hidden + n] += choices.weights[i] * sum;
        }
      }
      return out;
    }

    private static double dot(float[] a, int atA, float[] b, int atB, int count) {
      double sum = 0;
      for (int i = 0; i < count; i++) {
        sum += (double) a[atA + i] * b[atB + i];
      }
      return sum;
    }
  }
}
