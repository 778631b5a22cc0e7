package dev.kappa.device;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.kappa.device.KvFixture.Part;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** What a device promises about the bits of its results. */
abstract class ExactnessContract extends AttentionContract {

  /** Things that a row's bits do not depend on. */
  protected enum Independent {
    /** The other rows of a call, and where chunks of a prompt end. */
    BATCH,
    /** Whether a row was computed alone, as a decode, or in a chunk. */
    ROW_KIND,
    /** How many threads computed it. */
    THREADS,
    /** Whether its context was attended to as a whole or in spans, and where they were cut. */
    SPANS
  }

  /** The promises of the device under test. */
  protected abstract Set<Independent> promises();

  @ParameterizedTest
  @CsvSource({"F32,70,300", "BF16,70,300", "F16,70,300", "BF16,256,1024"})
  void multipliesRowsAloneAsInACall(DType dtype, int outputs, int columns) {
    assumeTrue(promises().contains(Independent.ROW_KIND));
    Weight weight = loadWeight(dtype, columns, randomFloats(outputs * columns, 1f, dtype));
    int rows = 29;
    float[] in = randomActivations(rows * columns);
    float[] together = multiply(in, rows, weight);
    for (int first = 0; first < rows; ) {
      int count = Math.min(rows - first, 1 + random.nextInt(14));
      float[] part = Arrays.copyOfRange(in, first * columns, (first + count) * columns);
      float[] expected = Arrays.copyOfRange(together, first * outputs, (first + count) * outputs);
      assertSameBits(multiply(part, count, weight), expected, count + " rows from " + first);
      first += count;
    }
    for (int r = 0; r < rows; r++) {
      float[] row = Arrays.copyOfRange(in, r * columns, (r + 1) * columns);
      float[] expected = Arrays.copyOfRange(together, r * outputs, (r + 1) * outputs);
      assertSameBits(multiply(row, 1, weight), expected, "row " + r + " alone");
    }
  }

  private float[] multiply(float[] in, int rows, Weight weight) {
    DeviceMemory out = poisonedBytes(4L * rows * weight.rows());
    device.kernels().logits(stream, upload(in), rows, weight, out);
    return download(out, rows * weight.rows(), DType.F32);
  }

  @ParameterizedTest
  @EnumSource
  void attendsInChunksAsInOne(DType dtype) {
    assumeTrue(promises().contains(Independent.BATCH));
    Scene scene = new Scene(dtype, 16, 330);
    float[] whole = scene.attend(0, 330);
    for (int round = 0; round < 3; round++) {
      for (int first = 0; first < 330; ) {
        int count = Math.min(330 - first, 1 + random.nextInt(130));
        scene.assertSame(scene.attend(first, count), whole, first, count);
        first += count;
      }
    }
  }

  @ParameterizedTest
  @CsvSource({"F32,4", "BF16,16", "F16,64"})
  void decodesAsItPrefills(DType dtype, int blockTokens) {
    assumeTrue(promises().contains(Independent.ROW_KIND));
    Scene scene = new Scene(dtype, blockTokens, 1100);
    float[] whole = scene.attend(0, 1100);
    for (int p : new int[] {0, 1, 15, 63, 64, 65, 200, 511, 1022, 1023, 1024, 1025, 1099}) {
      scene.assertSame(scene.attend(p, 1), whole, p, 1);
    }
  }

  @Test
  void attendsInABatchAsAlone() {
    assumeTrue(promises().contains(Independent.BATCH));
    Scene scene = new Scene(DType.BF16, 16, 1500);
    int[][] spans = {{1499, 1}, {700, 33}, {1024, 1}, {0, 5}, {3, 1}};
    List<Part> parts = new ArrayList<>();
    for (int[] span : spans) {
      parts.add(new Part(scene.table, span[0], span[1]));
    }
    float[] together = scene.attend(parts);
    int row = 0;
    for (int[] span : spans) {
      float[] alone = scene.attend(span[0], span[1]);
      int columns = scene.columns();
      float[] found = Arrays.copyOfRange(together, row * columns, (row + span[1]) * columns);
      assertSameBits(found, alone, "rows from " + span[0]);
      row += span[1];
    }
  }

  @ParameterizedTest
  @CsvSource({"BF16,64,100,0", "F16,128,600,0.5", "BF16,256,70,0", "F32,32,100,2"})
  void attendsWithinAWindowHoweverRowsAreCut(DType dtype, int dim, int window, float softcap) {
    assumeTrue(hasWindows() && promises().contains(Independent.ROW_KIND));
    AttentionShape shape = new AttentionShape(3, 1, dim, 0.3f, window, softcap);
    Scene scene = new Scene(shape, dtype, 16, 1100);
    float[] whole = scene.attend(0, 1100);
    for (int p : new int[] {0, 63, 64, 511, 512, 700, 1023, 1024, 1099}) {
      scene.assertSame(scene.attend(p, 1), whole, p, 1);
    }
    for (int first = 0; first < 1100; ) {
      int count = Math.min(1100 - first, 1 + random.nextInt(300));
      scene.assertSame(scene.attend(first, count), whole, first, count);
      first += count;
    }
  }

  @Test
  void computesWithAnyThreadsTheSame() throws Exception {
    assumeTrue(promises().contains(Independent.THREADS));
    float[] one = onDevice(1, this::productAndAttention);
    assertSameBits(onDevice(2, this::productAndAttention), one, "two threads");
    assertSameBits(onDevice(5, this::productAndAttention), one, "five threads");
  }

  private float[] productAndAttention() {
    float[] in = randomActivations(20 * 300);
    Weight weight = loadWeight(DType.BF16, 300, randomFloats(200 * 300, 1f, DType.BF16));
    float[] product = multiply(in, 20, weight);
    float[] attended = new Scene(DType.F16, 16, 3000).attend(2990, 3);
    float[] both = Arrays.copyOf(product, product.length + attended.length);
    System.arraycopy(attended, 0, both, product.length, attended.length);
    return both;
  }

  /** One long sequence in blocks, with a query for each of its positions. */
  private final class Scene {

    final AttentionShape shape;
    final KvFixture kv;
    final int[] table;
    final float[] queries;

    Scene(DType dtype, int blockTokens, int tokens) {
      this(new AttentionShape(6, 2, 32, 0.3f), dtype, blockTokens, tokens);
    }

    Scene(AttentionShape shape, DType dtype, int blockTokens, int tokens) {
      this.shape = shape;
      kv = new KvFixture(ExactnessContract.this, shape, dtype, blockTokens, tokens);
      table = kv.take(tokens);
      int elements = tokens * shape.kvHeads() * shape.headDim();
      kv.fill(table, randomFloats(elements, 2f, dtype), randomFloats(elements, 1f, dtype));
      queries = randomActivations(tokens * shape.qkvColumns());
    }

    int columns() {
      return shape.heads() * shape.headDim();
    }

    float[] attend(int first, int count) {
      return attend(List.of(new Part(table, first, count)));
    }

    float[] attend(List<Part> parts) {
      Batch batch = kv.batch(parts.toArray(Part[]::new));
      float[] qkv = new float[batch.rows() * shape.qkvColumns()];
      for (int r = 0; r < batch.rows(); r++) {
        System.arraycopy(
            queries,
            batch.position(r) * shape.qkvColumns(),
            qkv,
            r * shape.qkvColumns(),
            shape.qkvColumns());
      }
      DeviceMemory out = poisoned(batch.rows() * columns());
      device.kernels().attention(stream, upload(qkv), batch, shape, kv.layer, out);
      return download(out, batch.rows() * columns());
    }

    void assertSame(float[] part, float[] whole, int first, int count) {
      float[] expected = Arrays.copyOfRange(whole, first * columns(), (first + count) * columns());
      assertSameBits(part, expected, count + " rows from " + first);
    }
  }
}
