package dev.kappa.device;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * What the blocks of an {@link Encoding} stand for: the values that ggml's reference gives ({@code
 * dequantize_row_*} in its {@code ggml-quants.c}), with each product and difference rounded to 32
 * bits. For devices that keep weights in another form, and as the reference for those that compute
 * with blocks. Plain and slow.
 */
public final class Dequantizer {

  private static final ValueLayout.OfShort SHORT =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfFloat FLOAT =
      ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  /** Elements of a Q4_K block that share a scale and a minimum. */
  private static final int Q4_K_GROUP = 32;

  /** Elements of a Q6_K block that share a scale. */
  private static final int Q6_K_GROUP = 16;

  private Dequantizer() {}

  /**
   * Reads elements as 32-bit floats.
   *
   * @param from blocks
   * @param first index of the first element, where a block begins
   * @param count whole blocks
   * @param to at least {@code count}
   */
  public static void toFloats(
      Encoding encoding, MemorySegment from, long first, int count, float[] to) {
    long at = encoding.bytes(first);
    int step = encoding.blockElements();
    for (int i = 0; i < count; i += step, at += encoding.blockBytes()) {
      switch (encoding) {
        case F32 -> to[i] = from.get(FLOAT, at);
        case BF16 -> to[i] = Float.intBitsToFloat(from.get(SHORT, at) << 16);
        case F16 -> to[i] = half(from, at);
        case Q8_0 -> q8(from, at, to, i);
        case Q4_0 -> q4(from, at, to, i);
        case Q4_K -> q4k(from, at, to, i);
        case Q6_K -> q6k(from, at, to, i);
      }
    }
  }

  /**
   * Reads elements as 16-bit floats of {@link DType#BF16}, rounded to nearest, ties to even.
   *
   * @param to at least {@code 2 · count} bytes
   */
  public static void toBf16(
      Encoding encoding, MemorySegment from, long first, int count, MemorySegment to) {
    float[] values = new float[Math.min(count, 16 * 256)];
    for (int done = 0; done < count; done += values.length) {
      int part = Math.min(values.length, count - done);
      toFloats(encoding, from, first + done, part, values);
      for (int i = 0; i < part; i++) {
        to.set(SHORT, 2L * (done + i), bf16(values[i]));
      }
    }
  }

  private static short bf16(float value) {
    int bits = Float.floatToRawIntBits(value);
    if (Float.isNaN(value)) {
      return (short) ((bits >>> 16) | 0x40);
    }
    return (short) ((bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16);
  }

  private static void q8(MemorySegment from, long at, float[] to, int i) {
    float scale = half(from, at);
    for (int k = 0; k < 32; k++) {
      to[i + k] = from.get(ValueLayout.JAVA_BYTE, at + 2 + k) * scale;
    }
  }

  /** A byte holds elements k and k + 16, each 8 too large. */
  private static void q4(MemorySegment from, long at, float[] to, int i) {
    float scale = half(from, at);
    for (int k = 0; k < 16; k++) {
      int pair = unsigned(from, at + 2 + k);
      to[i + k] = ((pair & 15) - 8) * scale;
      to[i + k + 16] = ((pair >> 4) - 8) * scale;
    }
  }

  /** Two scales, 12 bytes of groups' scales and minima, and pairs of groups, 32 bytes each. */
  private static void q4k(MemorySegment from, long at, float[] to, int i) {
    float scale = half(from, at);
    float minimum = half(from, at + 2);
    for (int group = 0; group < 8; group++) {
      float groupScale = scale * groupScale(from, at + 4, group, 0);
      float groupMinimum = minimum * groupScale(from, at + 4, group, 4);
      for (int k = 0; k < Q4_K_GROUP; k++) {
        int pair = unsigned(from, at + 16 + group / 2 * 32 + k);
        int value = group % 2 == 0 ? pair & 15 : pair >> 4;
        to[i + group * Q4_K_GROUP + k] = groupScale * value - groupMinimum;
      }
    }
  }

  /**
   * Six bits of 12 bytes: groups 0 to 3 have a byte each; of the others the low four bits lie in
   * the last four bytes, the high two above the former.
   *
   * @param offset 0 for a scale, 4 for a minimum
   */
  private static int groupScale(MemorySegment from, long at, int group, int offset) {
    if (group < 4) {
      return unsigned(from, at + offset + group) & 63;
    }
    int low = unsigned(from, at + 8 + group - 4) >> offset & 15;
    return low | unsigned(from, at + offset + group - 4) >> 6 << 4;
  }

  /**
   * 128 bytes of low four bits, 64 of high two, 16 groups' scales, and a scale. Of each half block,
   * a low byte holds elements k and k + 64, a high one elements k, k + 32, k + 64 and k + 96; each
   * is 32 too large.
   */
  private static void q6k(MemorySegment from, long at, float[] to, int i) {
    float scale = half(from, at + 208);
    for (int k = 0; k < 256; k++) {
      int inHalf = k % 128;
      int low = unsigned(from, at + k / 128 * 64 + inHalf % 64) >> (inHalf / 64 * 4) & 15;
      int high = unsigned(from, at + 128 + k / 128 * 32 + inHalf % 32) >> (inHalf / 32 * 2) & 3;
      byte groupScale = from.get(ValueLayout.JAVA_BYTE, at + 192 + k / Q6_K_GROUP);
      to[i + k] = (scale * groupScale) * ((low | high << 4) - 32);
    }
  }

  private static float half(MemorySegment from, long at) {
    return Float.float16ToFloat(from.get(SHORT, at));
  }

  private static int unsigned(MemorySegment from, long at) {
    return Byte.toUnsignedInt(from.get(ValueLayout.JAVA_BYTE, at));
  }
}
