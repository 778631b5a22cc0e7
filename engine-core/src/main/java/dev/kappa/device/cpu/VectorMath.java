package dev.kappa.device.cpu;

import static dev.kappa.device.cpu.Lanes.FLOATS;
import static dev.kappa.device.cpu.Lanes.ORDER;
import static dev.kappa.device.cpu.Raw.ALL;
import static jdk.incubator.vector.VectorOperators.LSHL;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;
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

  /** Below it, five terms of the series of tanh are exact to 1e-8, relative. */
  private static final float NEAR_ZERO = 0.25f;

  private static final float TANH_3 = -1 / 3f;
  private static final float TANH_5 = 2 / 15f;
  private static final float TANH_7 = -17 / 315f;
  private static final float TANH_9 = 62 / 2835f;

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

  /** The same as {@link #exp(FloatVector)}, to the bit. */
  static float exp(float x) {
    if (x > LARGEST) {
      return Float.POSITIVE_INFINITY;
    }
    if (x < SMALLEST) {
      return 0;
    }
    float shifted = Math.fma(x, LOG2_E, ROUND);
    float n = shifted - ROUND;
    float f = Math.fma(n, -LN2_HIGH, x);
    f = Math.fma(n, -LN2_LOW, f);
    float p = Math.fma(EXP_6, f, EXP_5);
    p = Math.fma(p, f, EXP_4);
    p = Math.fma(p, f, EXP_3);
    p = Math.fma(p, f, EXP_2);
    p = Math.fma(p, f, EXP_1);
    p = Math.fma(p, f, 1f);
    return p * Float.intBitsToFloat((Float.floatToRawIntBits(shifted) << 23) + (127 << 23));
  }

  /** Replaces x by {@code cap · tanh(x / cap)}. */
  static void softcap(long values, int count, float cap) {
    int i = 0;
    for (; i <= count - Lanes.COUNT; i += Lanes.COUNT) {
      Lanes.store(tanh(Lanes.load(values + 4L * i).div(cap)).mul(cap), values + 4L * i);
    }
    if (i < count) {
      VectorMask<Float> rest = Lanes.first(count - i);
      FloatVector x = Lanes.load(values + 4L * i, rest);
      Lanes.store(tanh(x.div(cap)).mul(cap), values + 4L * i, rest);
    }
  }

  /**
   * The hyperbolic tangent: its series near zero, where the other form would cancel, else {@code
   * ±(1 - e^-2|x|) / (1 + e^-2|x|)}.
   */
  static FloatVector tanh(FloatVector x) {
    FloatVector e = exp(x.abs().mul(-2f));
    FloatVector far = e.neg().add(1f).div(e.add(1f));
    // The sign of x.
    IntVector sign = x.reinterpretAsInts().and(Integer.MIN_VALUE);
    far = far.reinterpretAsInts().or(sign).reinterpretAsFloats();
    FloatVector square = x.mul(x);
    FloatVector p = square.broadcast(TANH_9).fma(square, square.broadcast(TANH_7));
    p = p.fma(square, square.broadcast(TANH_5));
    p = p.fma(square, square.broadcast(TANH_3));
    FloatVector near = p.mul(square).fma(x, x);
    return far.blend(near, square.compare(VectorOperators.LT, NEAR_ZERO * NEAR_ZERO));
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
