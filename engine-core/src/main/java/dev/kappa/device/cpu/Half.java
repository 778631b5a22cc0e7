package dev.kappa.device.cpu;

import dev.kappa.device.DType;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

/**
 * Conversions between 32-bit floats and the 16-bit types; widening is exact, narrowing rounds to
 * even.
 */
final class Half {

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

  /**
   * Turns 32-bit words whose high halves are f16, and whose low halves are zero, into floats in
   * place.
   *
   * @param count words, a multiple of 16
   */
  static void widenF16(long at, int count) {
    for (int i = 0; i < count; i += Lanes.COUNT) {
      IntVector bits = IntVector.fromMemorySegment(Lanes.INTS, Raw.ALL, at + 4L * i, Lanes.ORDER);
      IntVector sign = bits.and(0x80000000);
      // Exponent and fraction where a float has them, still with the smaller bias.
      IntVector small = bits.and(0x7fff0000).lanewise(VectorOperators.LSHR, 3);
      IntVector normal = small.add(REBIAS);
      IntVector wide =
          normal.blend(normal.add(REBIAS), small.compare(VectorOperators.GE, F16_INFINITY));
      // Without a hidden one: read it with one, at the exponent of the subnormals, and take it off.
      IntVector tiny =
          normal.add(1 << 23).reinterpretAsFloats().sub(SMALLEST_NORMAL).reinterpretAsInts();
      wide.blend(tiny, small.compare(VectorOperators.LT, 1 << 23))
          .or(sign)
          .intoMemorySegment(Raw.ALL, at + 4L * i, Lanes.ORDER);
    }
  }
}
