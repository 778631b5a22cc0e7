package dev.kappa.device;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kappa.device.KvFixture.Part;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Every kernel against plain double arithmetic. */
abstract class KernelContract extends DeviceFixture {

  private static final float EPSILON = 1e-5f;

  @ParameterizedTest
  @EnumSource
  void embedsTokens(DType dtype) {
    int columns = 48;
    int vocabulary = 71;
    float[] table = randomFloats(vocabulary * columns, 1f, dtype);
    Weight weight = loadWeight(dtype, columns, table);
    int[] tokens = {70, 0, 31, 32, 33, 15, 16, 64, 70};
    DeviceMemory out = poisoned(tokens.length * columns);
    device.kernels().embed(stream, weight, plainBatch(tokens), out);
    double[] expected = new double[tokens.length * columns];
    for (int i = 0; i < expected.length; i++) {
      expected[i] = table[tokens[i / columns] * columns + i % columns];
    }
    assertClose(download(out, expected.length), expected, 1, "embedding");
  }

  @ParameterizedTest
  @CsvSource({"1,64", "3,16", "5,100", "2,2049", "7,1", "40,1024", "2,8200"})
  void normsRows(int rows, int columns) {
    float[] in = randomActivations(rows * columns);
    float[] weight = randomFloats(columns, 2f, DType.F32);
    DeviceMemory out = poisoned(rows * columns);
    device.kernels().rmsNorm(stream, upload(in), loadVector(weight), rows, columns, EPSILON, out);
    double[] expected = norm(doubles(in), rows, columns, weight);
    assertClose(download(out, rows * columns), expected, 4, "norm");
  }

  @ParameterizedTest
  @CsvSource({"1,64", "3,100", "33,768", "2,8200"})
  void addsThenNormsRows(int rows, int columns) {
    float[] residual = randomActivations(rows * columns);
    float[] delta = randomActivations(rows * columns);
    float[] weight = randomFloats(columns, 2f, DType.F32);
    DeviceMemory sum = upload(residual);
    DeviceMemory out = poisoned(rows * columns);
    device
        .kernels()
        .addRmsNorm(stream, sum, upload(delta), loadVector(weight), rows, columns, EPSILON, out);
    double[] expected = new double[residual.length];
    Arrays.setAll(expected, i -> (double) residual[i] + delta[i]);
    assertClose(download(sum, expected.length), expected, 1, "residual");
    double[] normed = norm(expected, rows, columns, weight);
    assertClose(download(out, expected.length), normed, 8, "norm of sum");
  }

  private static double[] norm(double[] in, int rows, int columns, float[] weight) {
    double[] out = new double[in.length];
    for (int r = 0; r < rows; r++) {
      double[] row = Reference.rmsNorm(in, r * columns, columns, weight, EPSILON);
      System.arraycopy(row, 0, out, r * columns, columns);
    }
    return out;
  }

  @ParameterizedTest
  @CsvSource({
    "F32,1,1,1", "F32,5,33,65", "F32,13,70,300", "F32,1,512,256", "F32,64,96,520",
    "BF16,1,1,1", "BF16,1,96,1000", "BF16,2,33,17", "BF16,7,40,256", "BF16,25,100,257",
    "BF16,12,64,512", "BF16,100,300,700", "F16,1,64,64", "F16,1,31,90", "F16,3,65,129",
    "F16,31,129,300",
  })
  void multipliesMatrices(DType dtype, int rows, int outputs, int columns) {
    float[] in = randomActivations(rows * columns);
    float[] matrix = randomFloats(outputs * columns, 1f, dtype);
    DeviceMemory out = poisoned(rows * outputs);
    device.kernels().matmul(stream, upload(in), rows, loadWeight(dtype, columns, matrix), out);
    double[] expected = Reference.matmul(in, rows, matrix, columns);
    assertClose(download(out, rows * outputs), expected, chainError(columns), "matmul");
  }

  /** Partial sums grow with the root of their length, and so does the number of roundings' sum. */
  private static double chainError(int columns) {
    return 1 + columns / 10.0;
  }

  @Test
  void multipliesStackedPartsAsOneMatrix() {
    int columns = 40;
    float[] first = randomFloats(33 * columns, 1f, DType.BF16);
    float[] second = randomFloats(5 * columns, 1f, DType.BF16);
    float[] both = Arrays.copyOf(first, first.length + second.length);
    System.arraycopy(second, 0, both, first.length, second.length);
    Weight weight = loadWeight(DType.BF16, columns, first, second);
    assertThat(weight.rows()).isEqualTo(38);
    assertThat(weight.columns()).isEqualTo(columns);
    float[] in = randomActivations(3 * columns);
    DeviceMemory out = poisonedBytes(3L * 38 * 4);
    device.kernels().logits(stream, upload(in), 3, weight, out);
    double[] expected = Reference.matmul(in, 3, both, columns);
    assertClose(download(out, 3 * 38, DType.F32), expected, chainError(columns), "logits");
  }

  @ParameterizedTest
  @EnumSource
  void readsEveryFiniteWeightExactly(DType dtype) {
    // One input of 1 among zeros picks a weight out unchanged.
    float[] specials = {0f, -0f, 1f, -2.5f, 65504f, -65504f, 0x1p-14f, 0x1p-24f, -0x1.8p-20f};
    float[] matrix = new float[64];
    for (int i = 0; i < matrix.length; i++) {
      matrix[i] = Numbers.round(dtype, specials[i % specials.length] * (1 + i / 9));
      matrix[i] = Float.isInfinite(matrix[i]) ? 65504f : matrix[i];
      matrix[i] = Numbers.round(dtype, matrix[i]);
    }
    DeviceMemory out = poisonedBytes(4L * matrix.length);
    for (int rows : new int[] {1, 2}) {
      float[] in = {1f, 1f};
      device
          .kernels()
          .logits(stream, upload(in), rows, loadWeight(dtype, 1, Arrays.copyOf(matrix, 32)), out);
      float[] found = download(out, 32, DType.F32);
      for (int i = 0; i < 32; i++) {
        assertThat(found[i]).isEqualTo(Numbers.round(weightType(dtype), matrix[i]) + 0f);
      }
    }
  }

  @ParameterizedTest
  @CsvSource({
    "F32,4,4,16,16,false",
    "BF16,8,2,64,16,true",
    "F16,6,3,32,64,false",
    "BF16,2,1,128,4,true",
    "F32,3,1,48,8,true",
  })
  void rotatesAndStores(
      DType dtype, int heads, int kvHeads, int dim, int blockTokens, boolean norms) {
    AttentionShape shape = new AttentionShape(heads, kvHeads, dim, 1f);
    KvFixture kv = new KvFixture(this, shape, dtype, blockTokens, 40);
    Part[] parts = {
      new Part(kv.take(21), 0, 21), new Part(kv.take(70), 69, 1), new Part(kv.take(40), 17, 20)
    };
    Batch batch = kv.batch(parts);
    float[] table = randomFloats(128 * dim, 1f, DType.F32);
    float[] queryNorm = randomFloats(dim, 2f, DType.F32);
    float[] keyNorm = randomFloats(dim, 2f, DType.F32);
    RopeStore args =
        new RopeStore(
            shape,
            loadVector(table),
            norms ? loadVector(queryNorm) : null,
            norms ? loadVector(keyNorm) : null,
            EPSILON);
    float[] in = randomActivations(batch.rows() * shape.qkvColumns());
    DeviceMemory qkv = upload(in);
    device.kernels().ropeStore(stream, qkv, batch, args, kv.layer);
    float[] out = download(qkv, in.length);
    int row = 0;
    for (Part part : parts) {
      float[] keys = kv.read(part.table(), part.first() + part.count(), kv.layer.keyOffset());
      float[] values = kv.read(part.table(), part.first() + part.count(), kv.layer.valueOffset());
      for (int i = 0; i < part.count(); i++) {
        int at = (row + i) * shape.qkvColumns();
        int token = part.first() + i;
        for (int h = 0; h < heads + kvHeads; h++) {
          float[] weight = h < heads ? queryNorm : keyNorm;
          double[] head = doubles(Arrays.copyOfRange(in, at + h * dim, at + (h + 1) * dim));
          double[] normed = norms ? Reference.rmsNorm(head, 0, dim, weight, EPSILON) : head;
          double[] expected = Reference.rotate(normed, table, token);
          float[] actual =
              h < heads
                  ? Arrays.copyOfRange(out, at + h * dim, at + (h + 1) * dim)
                  : head(keys, token, h - heads, shape);
          assertClose(actual, expected, h < heads ? 8 : 8 + storage(dtype), "rotated head " + h);
        }
        for (int h = 0; h < kvHeads; h++) {
          int from = at + (heads + kvHeads + h) * dim;
          double[] expected = doubles(Arrays.copyOfRange(in, from, from + dim));
          assertClose(head(values, token, h, shape), expected, 1 + storage(dtype), "value " + h);
        }
      }
      row += part.count();
    }
  }

  /** How many tolerances rounding to a storage type may add. */
  private double storage(DType dtype) {
    return switch (dtype) {
      case F32 -> 0;
      case BF16 -> 0x1p-8 / tolerance();
      case F16 -> 0x1p-11 / tolerance();
    };
  }

  private static float[] head(float[] side, int token, int head, AttentionShape shape) {
    int from = (token * shape.kvHeads() + head) * shape.headDim();
    return Arrays.copyOfRange(side, from, from + shape.headDim());
  }

  @ParameterizedTest
  @CsvSource({"1,64", "3,100", "50,2048", "2,1", "1,14336", "300,4104"})
  void multipliesUpByGatedSilu(int rows, int columns) {
    float[] in = randomFloats(rows * 2 * columns, 30f, device.info().activationType());
    in[0] = 200f;
    in[in.length / 2] = -200f;
    DeviceMemory out = poisoned(rows * columns);
    device.kernels().siluMul(stream, upload(in), rows, columns, out);
    double[] expected = new double[rows * columns];
    for (int i = 0; i < expected.length; i++) {
      int at = i / columns * 2 * columns + i % columns;
      expected[i] = in[at] / (1 + Math.exp(-in[at])) * in[at + columns];
    }
    assertClose(download(out, expected.length), expected, 4, "silu");
  }

  @Test
  void gathersWantedRows() {
    int columns = 37;
    Batch batch = own(new Batch(device, 9, 3, 1));
    batch.clear();
    for (int i = 0; i < 9; i++) {
      if (i % 3 == 0) {
        batch.beginSequence(3);
      }
      batch.addRow(i, i % 3);
      if (i != 1 && i != 4) {
        batch.markOutput();
      }
    }
    float[] in = randomActivations(9 * columns);
    DeviceMemory out = poisoned(4 * columns);
    device.kernels().gatherOutputs(stream, upload(in), batch, 2, 4, columns, out);
    int[] rows = {3, 5, 6, 7};
    double[] expected = new double[4 * columns];
    Arrays.setAll(expected, i -> in[rows[i / columns] * columns + i % columns]);
    assertClose(download(out, expected.length), expected, 1, "gathered rows");
  }

  @Test
  void findsTheFirstLargestLogit() {
    int columns = 101;
    float[] logits = randomFloats(7 * columns, 1f, DType.F32);
    set(logits, 0, columns, 100, 5f);
    set(logits, 1, columns, 17, 5f, 3, 5f, 99, 5f);
    set(logits, 2, columns, 0, Float.NaN, 50, 7f, 51, Float.NaN);
    Arrays.fill(logits, 3 * columns, 4 * columns, Float.NEGATIVE_INFINITY);
    Arrays.fill(logits, 4 * columns, 5 * columns, -3f);
    set(logits, 5, columns, 64, Float.POSITIVE_INFINITY);
    set(logits, 6, columns, 77, 9f, 100, Float.NaN);
    try (HostMemory out = device.allocateHost(7 * Integer.BYTES)) {
      out.segment().fill((byte) 0x55);
      device.kernels().argmax(stream, upload(logits, DType.F32), 7, columns, out);
      stream.synchronize();
      assertThat(out.segment().toArray(ValueLayout.JAVA_INT))
          .containsExactly(100, 3, -1, -1, 0, -1, -1);
    }
  }

  private static void set(float[] logits, int row, int columns, float... indexAndValue) {
    for (int i = 0; i < indexAndValue.length; i += 2) {
      logits[row * columns + (int) indexAndValue[i]] = indexAndValue[i + 1];
    }
  }

  static double[] doubles(float[] values) {
    double[] out = new double[values.length];
    Arrays.setAll(out, i -> values[i]);
    return out;
  }
}
