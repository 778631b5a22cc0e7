package dev.kappa.device;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Conversions of the tests, independent of those under test. */
final class Numbers {

  private Numbers() {}

  /** The nearest value of a type, ties to even. */
  static float round(DType dtype, float value) {
    return switch (dtype) {
      case F32 -> value;
      case BF16 -> Float.intBitsToFloat(bf16(value) << 16);
      case F16 -> Float.float16ToFloat(Float.floatToFloat16(value));
    };
  }

  private static int bf16(float value) {
    int bits = Float.floatToRawIntBits(value);
    int rest = bits & 0xffff;
    int kept = bits >>> 16;
    boolean up = rest > 0x8000 || (rest == 0x8000 && (kept & 1) == 1);
    return up ? kept + 1 : kept;
  }

  static void write(DType dtype, float[] values, MemorySegment target) {
    for (int i = 0; i < values.length; i++) {
      put(dtype, target, i, values[i]);
    }
  }

  static void put(DType dtype, MemorySegment target, long index, float value) {
    switch (dtype) {
      case F32 -> target.set(ValueLayout.JAVA_FLOAT_UNALIGNED, 4 * index, value);
      case BF16 -> target.set(ValueLayout.JAVA_SHORT_UNALIGNED, 2 * index, (short) bf16(value));
      case F16 ->
          target.set(ValueLayout.JAVA_SHORT_UNALIGNED, 2 * index, Float.floatToFloat16(value));
    }
  }

  static float get(DType dtype, MemorySegment source, long index) {
    return switch (dtype) {
      case F32 -> source.get(ValueLayout.JAVA_FLOAT_UNALIGNED, 4 * index);
      case BF16 ->
          Float.intBitsToFloat(source.get(ValueLayout.JAVA_SHORT_UNALIGNED, 2 * index) << 16);
      case F16 -> Float.float16ToFloat(source.get(ValueLayout.JAVA_SHORT_UNALIGNED, 2 * index));
    };
  }

  static float[] read(DType dtype, MemorySegment source, int count) {
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = get(dtype, source, i);
    }
    return values;
  }
}
