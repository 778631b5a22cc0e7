package dev.kappa.device;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Against the values that llama.cpp's own Python package gives; {@code make_gguf.py} has both. */
class DequantizerTest {

  /** Blocks and their values. */
  record Blocks(MemorySegment bytes, float[] values) {
    static Blocks load(Encoding encoding) throws IOException {
      String name = "/gguf/blocks/" + encoding + ".bin";
      try (InputStream file =
          Objects.requireNonNull(DequantizerTest.class.getResourceAsStream(name), name)) {
        ByteBuffer all = ByteBuffer.wrap(file.readAllBytes()).order(ByteOrder.LITTLE_ENDIAN);
        byte[] bytes = new byte[all.getInt() * encoding.blockBytes()];
        all.get(bytes);
        float[] values = new float[bytes.length / encoding.blockBytes() * encoding.blockElements()];
        all.asFloatBuffer().get(values);
        return new Blocks(MemorySegment.ofArray(bytes), values);
      }
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"Q8_0", "Q4_0", "Q4_K", "Q6_K"})
  void givesTheReferencesBits(Encoding encoding) throws IOException {
    Blocks blocks = Blocks.load(encoding);
    assertThat(blocks.values.length).isGreaterThan(1000);
    float[] found = new float[blocks.values.length];
    Dequantizer.toFloats(encoding, blocks.bytes, 0, found.length, found);
    for (int i = 0; i < found.length; i++) {
      if (!(Float.isNaN(found[i]) && Float.isNaN(blocks.values[i]))) {
        assertThat(Float.floatToRawIntBits(found[i]))
            .as("element %d: %s, not %s", i, found[i], blocks.values[i])
            .isEqualTo(Float.floatToRawIntBits(blocks.values[i]));
      }
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"Q8_0", "Q4_0", "Q4_K", "Q6_K"})
  void beginsAtAnyBlock(Encoding encoding) throws IOException {
    Blocks blocks = Blocks.load(encoding);
    int step = encoding.blockElements();
    float[] part = new float[2 * step];
    Dequantizer.toFloats(encoding, blocks.bytes, 3L * step, part.length, part);
    assertThat(part).isEqualTo(Arrays.copyOfRange(blocks.values, 3 * step, 5 * step));
  }

  @ParameterizedTest
  @EnumSource(names = {"Q8_0", "Q4_0", "Q4_K", "Q6_K"})
  void roundsToSixteenBitsAsToTheNearest(Encoding encoding) throws IOException {
    Blocks blocks = Blocks.load(encoding);
    MemorySegment halves = MemorySegment.ofArray(new byte[2 * blocks.values.length]);
    Dequantizer.toBf16(encoding, blocks.bytes, 0, blocks.values.length, halves);
    for (int i = 0; i < blocks.values.length; i++) {
      float expected = Numbers.round(DType.BF16, blocks.values[i]);
      // As objects, so that NaN is NaN.
      assertThat((Float) Numbers.get(DType.BF16, halves, i)).isEqualTo((Float) expected);
    }
  }

  @Test
  void readsPlainElements() {
    MemorySegment floats = MemorySegment.ofArray(new float[] {1.5f, -0f, Float.MIN_VALUE});
    float[] found = new float[3];
    Dequantizer.toFloats(Encoding.F32, floats, 0, 3, found);
    assertThat(found).containsExactly(1.5f, -0f, Float.MIN_VALUE);
    MemorySegment halves = MemorySegment.ofArray(new short[] {0x3c00, (short) 0xc000, 1});
    Dequantizer.toFloats(Encoding.F16, halves, 0, 3, found);
    assertThat(found).containsExactly(1f, -2f, 0x1p-24f);
    Dequantizer.toFloats(Encoding.BF16, halves, 0, 3, found);
    assertThat(found).containsExactly(0x1p-7f, -2f, Float.intBitsToFloat(1 << 16));
  }
}
