package dev.kappa.device.cpu;

import static dev.kappa.device.cpu.Lanes.FLOATS;
import static dev.kappa.device.cpu.Lanes.ORDER;
import static dev.kappa.device.cpu.Raw.ALL;
import static jdk.incubator.vector.VectorOperators.LSHL;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

/**
 * Exponentials made of additions, multiplications and fused multiply-adds, so that their bits are
 * the same on every machine, in vectors and alone, in interpreted and compiled code. Coefficients
 * are Chebyshev fits (error of the polynomial below 1e-8, relative).
 */
final class VectorMath {

  /** {@code log2(e)}. */
  static final float LOG2_E = 1.442695f;

  // Adding and subtracting it rounds to the nearest integer, which then lies in the low bits.
  private static final float ROUND = 0x1.8p23f;
  private static final float LN2_HIGH = 0x1.62e4p-1f;
  private static final float LN2_LOW = 0x1.7f7d1cp-20f;
  private static final float LARGEST = 88.37f;
  private static final float SMALLEST = -87.33654f;

  private static final float EXP2_1 = 0.6931472f;
  private static final float EXP2_2 = 0.2402265f;
  private static final float EXP2_3 = 0.05550357f;
  private static final float EXP2_4 = 0.009618057f;
  private static final float EXP2_5 = 0.0013390869f;
  private static final float EXP2_6 = 1.5461449e-4f;

  private static final float EXP_1 = 1.0f;
  private static final float EXP_2 = 0.5f;
  private static final float EXP_3 = 0.16666505f;
  private static final float EXP_4 = 0.04166635f;
  private static final float EXP_5 = 0.008369178f;
  private static final float EXP_6 = 0.0013941149f;

  private VectorMath() {}

  /** {@code 2^x} for {@code x <= 0}, exactly 1 at 0; zero below -126. */
  static float exp2OfNegative(float x) {
    float shifted = x + ROUND;
    float f = x - (shifted - ROUND);
    float p = Math.fma(EXP2_6, f, EXP2_5);
    p = Math.fma(p, f, EXP2_4);
    p = Math.fma(p, f, EXP2_3);
    p = Math.fma(p, f, EXP2_2);
    p = Math.fma(p, f, EXP2_1);
    p = Math.fma(p, f, 1f);
    int power = (Float.floatToRawIntBits(shifted) << 23) + (127 << 23);
    return x < -126f ? 0f : p * Float.intBitsToFloat(power);
  }

  /**
   * Replaces x by {@code 2^(x - max)}, as {@link #exp2OfNegative}.
   *
   * @param values {@code float[count]}, overwritten
   * @param max at least as large as every value
   * @param copy receives the results too
   * @param count a multiple of 16
   */
  static void exp2(long values, int count, float max, float[] copy, int at) {
    for (int i = 0; i < count; i += Lanes.COUNT) {
      FloatVector x = FloatVector.fromMemorySegment(FLOATS, ALL, values + 4L * i, ORDER).sub(max);
      FloatVector shifted = x.add(ROUND);
      FloatVector f = x.sub(shifted.sub(ROUND));
      FloatVector p = FloatVector.broadcast(FLOATS, EXP2_6);
      p = p.fma(f, FloatVector.broadcast(FLOATS, EXP2_5));
      p = p.fma(f, FloatVector.broadcast(FLOATS, EXP2_4));
      p = p.fma(f, FloatVector.broadcast(FLOATS, EXP2_3));
      p = p.fma(f, FloatVector.broadcast(FLOATS, EXP2_2));
      p = p.fma(f, FloatVector.broadcast(FLOATS, EXP2_1));
      p = p.fma(f, FloatVector.broadcast(FLOATS, 1f));
      IntVector power = shifted.reinterpretAsInts().lanewise(LSHL, 23).add(127 << 23);
      FloatVector result =
          p.mul(power.reinterpretAsFloats()).blend(0f, x.compare(VectorOperators.LT, -126f));
      result.intoMemorySegment(ALL, values + 4L * i, ORDER);
      result.intoArray(copy, at + i);
    }
  }

  /** {@code e^x}; infinite above 88.37 (its power of two would be 2^128), zero below -87.3. */
  static FloatVector exp(FloatVector x) {
    FloatVector shifted = x.fma(x.broadcast(LOG2_E), x.broadcast(ROUND));
    FloatVector n = shifted.sub(ROUND);
    FloatVector f = n.fma(n.broadcast(-LN2_HIGH), x);
    f = n.fma(n.broadcast(-LN2_LOW), f);
    FloatVector p = f.broadcast(EXP_6).fma(f, f.broadcast(EXP_5));
    p = p.fma(f, f.broadcast(EXP_4));
    p = p.fma(f, f.broadcast(EXP_3));
    p = p.fma(f, f.broadcast(EXP_2));
    p = p.fma(f, f.broadcast(EXP_1));
    p = p.fma(f, f.broadcast(1f));
    IntVector power = shifted.reinterpretAsInts().lanewise(LSHL, 23).add(127 << 23);
    FloatVector y = p.mul(power.reinterpretAsFloats());
    y = y.blend(Float.POSITIVE_INFINITY, x.compare(VectorOperators.GT, LARGEST));
    return y.blend(0f, x.compare(VectorOperators.LT, SMALLEST));
  }
}
