package dev.kappa.device.check;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.SplittableRandom;

/** Random numbers of eight significant bits, which 16-bit and 32-bit floats hold alike. */
final class Values {

  private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED;

  private Values() {}

  /** Uniform in [-scale, scale). */
  static float[] random(SplittableRandom random, int count, float scale) {
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = fromBf16(next(random, scale));
    }
    return values;
  }

  /** As {@link #random}, over a segment of {@code bfloat16}. */
  static void fill(SplittableRandom random, MemorySegment target, float scale) {
    long count = target.byteSize() / Short.BYTES;
    for (long i = 0; i < count; i++) {
      target.set(SHORT, Short.BYTES * i, next(random, scale));
    }
  }

  private static short next(SplittableRandom random, float scale) {
    return toBf16((random.nextInt() >> 8) * 0x1p-23f * scale);
  }

  /** The nearest {@code bfloat16} of a finite number, ties to even. */
  static short toBf16(float value) {
    int bits = Float.floatToRawIntBits(value);
    return (short) ((bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16);
  }

  static float fromBf16(short bits) {
    return Float.intBitsToFloat(bits << 16);
  }
}
