package dev.kappa.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.kappa.device.KvFixture.Part;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Attention against plain double arithmetic. */
abstract class AttentionContract extends KernelContract {

  /** What 32-bit arithmetic may add to the roundings that the tolerance is about. */
  private static final double ARITHMETIC = 2e-5;

  /** Whether the device computes sliding windows and bounded scores. */
  protected boolean hasWindows() {
    return false;
  }

  @ParameterizedTest
  @CsvSource({
    "F32,4,4,16,16",
    "BF16,8,1,64,16",
    "F16,6,2,64,32",
    "BF16,4,2,128,64",
    "F32,7,1,48,4",
    "F16,3,3,80,8",
    "BF16,2,1,256,128",
    "F32,2,2,96,16",
    "F16,1,1,16,16",
  })
  void attendsOverMixedBatches(DType dtype, int heads, int kvHeads, int dim, int blockTokens) {
    AttentionShape shape = new AttentionShape(heads, kvHeads, dim, (float) (2 / Math.sqrt(dim)));
    int[][] spans = {{0, 37}, {129, 1}, {63, 3}, {1199, 1}, {50, 90}, {0, 1}, {16, 1}};
    assertAttends(dtype, shape, blockTokens, spans);
  }

  @ParameterizedTest
  @CsvSource({
    "BF16,1,1,64,16,0,1",
    "BF16,4,2,96,16,37,2",
    "F16,6,2,128,32,700,15",
    "BF16,4,1,256,16,530,16",
    "F16,7,1,64,16,1000,17",
    "BF16,8,1,128,64,511,64",
    "F16,8,2,256,16,63,130",
    "BF16,3,3,112,8,20,130",
    "F16,2,2,192,4,600,17",
    "BF16,20,1,32,16,90,3",
    "F16,40,1,64,16,600,2",
    "F32,7,1,48,16,600,17",
    "F16,16,2,96,5,1030,64",
  })
  void attendsInEveryGeometry(
      DType dtype, int heads, int kvHeads, int dim, int blockTokens, int cached, int rows) {
    AttentionShape shape = new AttentionShape(heads, kvHeads, dim, (float) (6 / Math.sqrt(dim)));
    assertAttends(dtype, shape, blockTokens, new int[][] {{cached, 1}, {cached, rows}, {5, 3}});
  }

  @ParameterizedTest
  @CsvSource({
    "BF16,4,2,64,16,1,0",
    "F16,2,1,64,16,5,0",
    "BF16,3,1,128,16,64,0",
    "F16,4,2,96,32,100,0",
    "BF16,2,1,256,16,600,0.5",
    "F32,4,2,32,16,100,0",
    "F32,2,1,48,4,600,0.5",
    "BF16,4,2,64,16,5000,0",
    "BF16,4,1,128,16,2147483647,0.5",
    "F16,7,1,80,8,2147483647,3",
  })
  void attendsWithinWindowsAndBounds(
      DType dtype, int heads, int kvHeads, int dim, int blockTokens, int window, float softcap) {
    assumeTrue(hasWindows());
    float scale = (float) (6 / Math.sqrt(dim));
    AttentionShape shape = new AttentionShape(heads, kvHeads, dim, scale, window, softcap);
    int[][] spans = {{1199, 1}, {80, 1}, {0, 1}, {600, 70}, {0, 40}, {63, 2}};
    assertAttends(dtype, shape, blockTokens, spans);
  }

  /** Half precision ends at 65504, queries do not. */
  @ParameterizedTest
  @CsvSource({"F16,0x1p18", "F16,0x1p-18", "BF16,0x1p40"})
  void attendsWithQueriesOfAnySize(DType dtype, float size) {
    AttentionShape shape = new AttentionShape(2, 1, 64, 0.75f / size);
    int[][] spans = {{100, 1}, {40, 5}};
    assertAttends(dtype, shape, 16, spans, size);
  }

  /** Attends to sequences of {@code {cached tokens, new rows}}. */
  private void assertAttends(DType dtype, AttentionShape shape, int blockTokens, int[][] spans) {
    assertAttends(dtype, shape, blockTokens, spans, 1);
  }

  private void assertAttends(
      DType dtype, AttentionShape shape, int blockTokens, int[][] spans, float querySize) {
    int blocks = 0;
    for (int[] span : spans) {
      blocks += Math.ceilDiv(span[0] + span[1], blockTokens);
    }
    KvFixture kv = new KvFixture(this, shape, dtype, blockTokens, blocks + 3);
    Part[] parts = new Part[spans.length];
    float[][] keys = new float[spans.length][];
    float[][] values = new float[spans.length][];
    for (int s = 0; s < spans.length; s++) {
      int tokens = spans[s][0] + spans[s][1];
      parts[s] = new Part(kv.take(tokens), spans[s][0], spans[s][1]);
      keys[s] = randomFloats(tokens * shape.kvHeads() * shape.headDim(), 1f, dtype);
      values[s] = randomFloats(keys[s].length, 1f, dtype);
      forgetUnseen(shape, blockTokens, spans[s][0], keys[s], values[s]);
      kv.fill(parts[s].table(), keys[s], values[s]);
    }
    Batch batch = kv.batch(parts);
    float[] qkv = randomActivations(batch.rows() * shape.qkvColumns());
    for (int i = 0; i < qkv.length; i++) {
      qkv[i] *= querySize;
    }
    int columns = shape.heads() * shape.headDim();
    DeviceMemory out = poisoned(batch.rows() * columns);
    device.kernels().attention(stream, upload(qkv), batch, shape, kv.layer, out);
    float[] actual = download(out, batch.rows() * columns);
    for (int row = 0; row < batch.rows(); row++) {
      int s = batch.sequenceOf(row);
      assertAttended(actual, qkv, row, shape, keys[s], values[s], batch.position(row));
    }
  }

  /** Fills the blocks that no row from a position on sees any more: they may hold anything. */
  static void forgetUnseen(
      AttentionShape shape, int blockTokens, int position, float[] keys, float[] values) {
    int tokens = shape.firstSeen(position) / blockTokens * blockTokens;
    int elements = tokens * shape.kvHeads() * shape.headDim();
    Arrays.fill(keys, 0, elements, Float.NaN);
    Arrays.fill(values, 0, elements, Float.NaN);
  }

  /** Compares all heads of a row. */
  void assertAttended(
      float[] actual,
      float[] qkv,
      int row,
      AttentionShape shape,
      float[] keys,
      float[] values,
      int position) {
    int dim = shape.headDim();
    for (int h = 0; h < shape.heads(); h++) {
      int query = row * shape.qkvColumns() + h * dim;
      int kvHead = h / (shape.heads() / shape.kvHeads());
      Reference.Attended expected =
          Reference.attention(qkv, query, shape, kvHead, keys, values, position);
      int at = (row * shape.heads() + h) * dim;
      assertAttended(
          Arrays.copyOfRange(actual, at, at + dim),
          expected,
          "%s, row %d at %d, head %d".formatted(shape, row, position, h));
    }
  }

  /**
   * Weights may be rounded to the device's activations before values are multiplied with them: each
   * by half of the tolerance at most, and independently. The rest is eightfold of what comes of
   * that.
   */
  void assertAttended(float[] actual, Reference.Attended expected, String what) {
    assertThat(actual.length).isEqualTo(expected.result().length);
    for (int d = 0; d < actual.length; d++) {
      double wanted = expected.result()[d];
      double bound = tolerance() * (Math.abs(wanted) + 4 * expected.spread()[d]) + ARITHMETIC;
      if (!(Math.abs(actual[d] - wanted) <= bound)) {
        throw new AssertionError(
            "attention of %s, seed %d: element %d is %s, not %s (allowed %s)"
                .formatted(what, SEED, d, actual[d], wanted, bound));
      }
    }
  }

  @Test
  void refusesHeadsItCannotCompute() {
    AttentionShape shape = new AttentionShape(1, 1, 4096, 1f);
    KvFixture kv = new KvFixture(this, shape, DType.F32, 16, 1);
    Batch batch = kv.batch(new Part(kv.take(1), 0, 1));
    DeviceMemory qkv = poisoned(shape.qkvColumns());
    DeviceMemory out = poisoned(4096);
    assertThatThrownBy(() -> device.kernels().attention(stream, qkv, batch, shape, kv.layer, out))
        .isInstanceOf(DeviceException.class)
        .hasMessageContaining("4096");
  }
}
