package dev.kappa.device.cpu;

import dev.kappa.device.DType;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;

/**
 * Conversions between 32-bit floats and the 16-bit types; widening is exact, narrowing rounds to
 * even.
 */
final class Half {

  private static final int HIGH = 0xffff0000;
  private static final int F16_INFINITY = 0x7c00 << 13;
  private static final int REBIAS = 112 << 23;
  private static final float SMALLEST_NORMAL = 0x1p-14f;

  private Half() {}

  static float fromBf16(short bits) {
    return Float.intBitsToFloat(bits << 16);
  }

  static short toBf16(float value) {
    int bits = Float.floatToRawIntBits(value);
    if (Float.isNaN(value)) {
      return (short) ((bits >>> 16) | 0x40);
    }
    return (short) ((bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16);
  }

  static short toF16(float value) {
    // The intrinsic and the interpreter may keep different NaN payloads.
    return Float.isNaN(value) ? 0x7e00 : Float.floatToFloat16(value);
  }

  /** Reads one element of any type. */
  static float read(DType dtype, long address) {
    return switch (dtype) {
      case F32 -> Raw.getFloat(address);
      case BF16 -> fromBf16(Raw.getShort(address));
      case F16 -> Float.float16ToFloat(Raw.getShort(address));
    };
  }

  static void write(DType dtype, long address, float value) {
    switch (dtype) {
      case F32 -> Raw.putFloat(address, value);
      case BF16 -> Raw.putShort(address, toBf16(value));
      case F16 -> Raw.putShort(address, toF16(value));
    }
  }

  /** Widens the low 16 bits of each lane from bf16. */
  static FloatVector lowBf16(IntVector pairs) {
    return pairs.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats();
  }

  /** Widens the high 16 bits of each lane from bf16. */
  static FloatVector highBf16(IntVector pairs) {
    return pairs.and(HIGH).reinterpretAsFloats();
  }

  /** Widens the low 16 bits of each lane from f16. */
  static FloatVector lowF16(IntVector pairs) {
    return highF16(pairs.lanewise(VectorOperators.LSHL, 16));
  }

  /** Widens the high 16 bits of each lane from f16; the low ones are ignored. */
  static FloatVector highF16(IntVector pairs) {
    IntVector sign = pairs.and(0x80000000);
    // Exponent and fraction where a float has them, still with the smaller bias.
    IntVector small = pairs.and(0x7fff0000).lanewise(VectorOperators.LSHR, 3);
    IntVector normal = small.add(REBIAS);
    VectorMask<Integer> notFinite = small.compare(VectorOperators.GE, F16_INFINITY);
    VectorMask<Integer> tiny = small.compare(VectorOperators.LT, 1 << 23);
    IntVector wide = normal.blend(normal.add(REBIAS), notFinite);
    // Without a hidden one: read it with one, at the exponent of the subnormals, and take it off.
    FloatVector subnormal = normal.add(1 << 23).reinterpretAsFloats().sub(SMALLEST_NORMAL);
    return wide.blend(subnormal.reinterpretAsInts(), tiny).or(sign).reinterpretAsFloats();
  }
}
