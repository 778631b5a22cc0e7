package dev.kappa.device;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kappa.device.MatrixSource.Part;
import dev.kappa.device.MatrixSource.Range;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * What every device does with weights in blocks: the same, to the bit, as with the values that they
 * stand for.
 */
abstract class BlockContract extends DeviceFixture {

  /** One tensor: blocks of random bits with scales of useful size, and what they stand for. */
  private record Tensor(Part part, float[] values, int rows) {}

  private Tensor randomTensor(Encoding encoding, int rows, int columns) {
    byte[] bytes = new byte[Math.toIntExact(encoding.bytes((long) rows * columns))];
    random.nextBytes(bytes);
    MemorySegment segment = MemorySegment.ofArray(bytes);
    for (int at = 0; at < bytes.length; at += encoding.blockBytes()) {
      switch (encoding) {
        case F32 -> segment.set(ValueLayout.JAVA_FLOAT_UNALIGNED, at, random.nextFloat() * 2 - 1);
        case BF16, F16 -> putScale(segment, at, 1);
        case Q8_0 -> putScale(segment, at, 1f / 127);
        case Q4_0 -> putScale(segment, at, 1f / 8);
        case Q4_K -> {
          putScale(segment, at, 1f / 63 / 15);
          putScale(segment, at + 2, 1f / 63);
        }
        case Q6_K -> putScale(segment, at + 208, 1f / 127 / 32);
      }
    }
    float[] values = new float[rows * columns];
    Dequantizer.toFloats(encoding, segment, 0, values.length, values);
    return new Tensor(new Part(encoding, segment), values, rows);
  }

  private void putScale(MemorySegment segment, long at, float most) {
    short bits = Float.floatToFloat16((random.nextFloat() * 2 - 1) * most);
    segment.set(ValueLayout.JAVA_SHORT_UNALIGNED, at, bits);
  }

  private Weight load(int columns, List<Tensor> tensors) {
    List<Range> ranges =
        tensors.stream().map(tensor -> new Range(tensor.part.encoding(), tensor.rows)).toList();
    List<Part> parts = tensors.stream().map(Tensor::part).toList();
    return own(device.loadWeight(new MatrixSource(1, columns, ranges, () -> parts)));
  }

  private Weight loadValues(int columns, List<Tensor> tensors) {
    float[][] parts = tensors.stream().map(Tensor::values).toArray(float[][]::new);
    return loadWeight(DType.F32, columns, parts);
  }

  private void assertSameProducts(int columns, List<Tensor> tensors) {
    Weight blocks = load(columns, tensors);
    Weight values = loadValues(columns, tensors);
    assertThat(blocks.rows()).isEqualTo(values.rows());
    for (int rows : new int[] {1, 2, 7, 29}) {
      float[] in = randomActivations(rows * columns);
      float[] expected = multiply(in, rows, values);
      assertThat(expected).doesNotContain(Float.NaN);
      assertSameBits(multiply(in, rows, blocks), expected, rows + " rows");
    }
  }

  private float[] multiply(float[] in, int rows, Weight weight) {
    DeviceMemory out = poisonedBytes(4L * rows * weight.rows());
    device.kernels().logits(stream, upload(in), rows, weight, out);
    return download(out, rows * weight.rows(), DType.F32);
  }

  @ParameterizedTest
  @CsvSource({
    "Q8_0,64,32",
    "Q8_0,70,608",
    "Q4_0,33,32",
    "Q4_0,64,1120",
    "Q4_K,64,256",
    "Q4_K,50,768",
    "Q6_K,32,256",
    "Q6_K,75,1280"
  })
  void multipliesBlocksAsTheirValues(Encoding encoding, int outputs, int columns) {
    assertSameProducts(columns, List.of(randomTensor(encoding, outputs, columns)));
  }

  @Test
  void multipliesTensorsOfSeveralEncodingsAsOneMatrix() {
    List<Tensor> tensors = new ArrayList<>();
    for (Encoding encoding : Encoding.values()) {
      tensors.add(randomTensor(encoding, 16 * (1 + tensors.size() % 3), 512));
    }
    tensors.add(randomTensor(Encoding.Q6_K, 5, 512));
    assertSameProducts(512, tensors);
  }

  @ParameterizedTest
  @CsvSource({"Q8_0,608", "Q4_0,96", "Q4_K,768", "Q6_K,512"})
  void looksEmbeddingsUpInBlocks(Encoding encoding, int columns) {
    List<Tensor> table = List.of(randomTensor(encoding, 70, columns));
    Batch batch = plainBatch(new int[] {69, 0, 31, 32, 33, 69});
    float[] expected = embed(loadValues(columns, table), batch);
    assertSameBits(embed(load(columns, table), batch), expected, "embeddings");
    float[] last = Arrays.copyOfRange(table.getFirst().values, 69 * columns, 70 * columns);
    DType type = device.info().activationType();
    for (int i = 0; i < columns; i++) {
      assertThat(expected[i]).isEqualTo(Numbers.round(type, last[i]));
    }
  }

  private float[] embed(Weight table, Batch batch) {
    DeviceMemory out = poisoned(batch.rows() * table.columns());
    device.kernels().embed(stream, table, batch, 1, out);
    return download(out, batch.rows() * table.columns());
  }
}
