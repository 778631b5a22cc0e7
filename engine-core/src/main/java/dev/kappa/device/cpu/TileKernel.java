package dev.kappa.device.cpu;

import static dev.kappa.device.cpu.Lanes.BYTES;
import static dev.kappa.device.cpu.Lanes.COUNT;
import static dev.kappa.device.cpu.Lanes.FLOATS;
import static dev.kappa.device.cpu.Lanes.ORDER;
import static dev.kappa.device.cpu.Raw.ALL;

import jdk.incubator.vector.FloatVector;

/**
 * The inner kernel of every matrix product: {@code c[rows][32] += a[rows][k] · b[k][32]}, one chain
 * of fused multiply-adds over {@code k} per element, whatever the number of rows. Sums stay in
 * registers; one broadcast of {@code a} feeds two vectors of {@code b}.
 *
 * <p>{@code a} is an array because the compiler then takes the checks of its broadcasts out of the
 * loop. The vectors' own methods are called, not those of {@link Lanes}: only methods that the JDK
 * marks for inlining are inlined in a body of this size.
 */
final class TileKernel {

  /** Columns of {@code b}: the width of a panel. */
  static final int PANEL = 32;

  /** The largest {@code k} of a call. */
  static final int DEPTH = 512;

  /** Elements from one row of {@code a} to the next: not a power of two, for the cache's sake. */
  static final int A_PITCH = DEPTH + 16;

  /** Most rows of a call: what fits the registers. */
  static final int ROWS = COUNT == 16 ? 12 : 4;

  /** Bytes from one row of {@code b} to the next. */
  static final long B_PITCH = (long) PANEL * Float.BYTES;

  private TileKernel() {}

  /** Rows that the call for {@code rows} reads and writes: at least as many. */
  static int height(int rows) {
    if (rows <= 2) {
      return rows;
    }
    return rows <= 4 ? 4 : rows <= 8 ? 8 : 12;
  }

  /**
   * Adds a product to {@code c}.
   *
   * @param height a result of {@link #height}, at most {@link #ROWS}
   * @param ai where {@code a} begins; its rows are {@link #A_PITCH} apart
   * @param b address of {@code k} rows of {@link #PANEL} floats
   * @param c address of the sums; rows are {@code pitch} bytes apart
   */
  static void multiplyAdd(int height, float[] a, int ai, long b, int k, long c, long pitch) {
    for (int column = 0; column < PANEL; column += 2 * COUNT) {
      long bj = b + (long) column * Float.BYTES;
      long cj = c + (long) column * Float.BYTES;
      switch (height) {
        case 1 -> rows1(a, ai, bj, k, cj);
        case 2 -> rows2(a, ai, bj, k, cj, pitch);
        case 4 -> rows4(a, ai, bj, k, cj, pitch);
        case 8 -> rows8(a, ai, bj, k, cj, pitch);
        case 12 -> rows12(a, ai, bj, k, cj, pitch);
        default -> throw new IllegalArgumentException("no kernel for " + height + " rows");
      }
    }
  }

  private static void rows1(float[] a, int ai, long b, int k, long c) {
    FloatVector s0 = FloatVector.fromMemorySegment(FLOATS, ALL, c, ORDER);
    FloatVector t0 = FloatVector.fromMemorySegment(FLOATS, ALL, c + BYTES, ORDER);
    for (int i = 0; i < k; i++) {
      FloatVector u = FloatVector.fromMemorySegment(FLOATS, ALL, b + i * B_PITCH, ORDER);
      FloatVector v = FloatVector.fromMemorySegment(FLOATS, ALL, b + i * B_PITCH + BYTES, ORDER);
      FloatVector x = FloatVector.broadcast(FLOATS, a[ai + i]);
      s0 = x.fma(u, s0);
      t0 = x.fma(v, t0);
    }
    s0.intoMemorySegment(ALL, c, ORDER);
    t0.intoMemorySegment(ALL, c + BYTES, ORDER);
  }

  private static void rows2(float[] a, int ai, long b, int k, long c, long pitch) {
    FloatVector s0 = FloatVector.fromMemorySegment(FLOATS, ALL, c, ORDER);
    FloatVector t0 = FloatVector.fromMemorySegment(FLOATS, ALL, c + BYTES, ORDER);
    FloatVector s1 = FloatVector.fromMemorySegment(FLOATS, ALL, c + pitch, ORDER);
    FloatVector t1 = FloatVector.fromMemorySegment(FLOATS, ALL, c + pitch + BYTES, ORDER);
    for (int i = 0; i < k; i++) {
      FloatVector u = FloatVector.fromMemorySegment(FLOATS, ALL, b + i * B_PITCH, ORDER);
      FloatVector v = FloatVector.fromMemorySegment(FLOATS, ALL, b + i * B_PITCH + BYTES, ORDER);
      FloatVector x = FloatVector.broadcast(FLOATS, a[ai + i]);
      s0 = x.fma(u, s0);
      t0 = x.fma(v, t0);
      x = FloatVector.broadcast(FLOATS, a[ai + i + A_PITCH]);
      s1 = x.fma(u, s1);
      t1 = x.fma(v, t1);
    }
    s0.intoMemorySegment(ALL, c, ORDER);
    t0.intoMemorySegment(ALL, c + BYTES, ORDER);
    s1.intoMemorySegment(ALL, c + pitch, ORDER);
    t1.intoMemorySegment(ALL, c + pitch + BYTES, ORDER);
  }

  private static void rows4(float[] a, int ai, long b, int k, long c, long pitch) {
    FloatVector s0 = FloatVector.fromMemorySegment(FLOATS, ALL, c, ORDER);
    FloatVector t0 = FloatVector.fromMemorySegment(FLOATS, ALL, c + BYTES, ORDER);
    FloatVector s1 = FloatVector.fromMemorySegment(FLOATS, ALL, c + pitch, ORDER);
    FloatVector t1 = FloatVector.fromMemorySegment(FLOATS, ALL, c + pitch + BYTES, ORDER);
    FloatVector s2 = FloatVector.fromMemorySegment(FLOATS, ALL, c + 2 * pitch, ORDER);
    FloatVector t2 = FloatVector.fromMemorySegment(FLOATS, ALL, c + 2 * pitch + BYTES, ORDER);
    FloatVector s3 = FloatVector.fromMemorySegment(FLOATS, ALL, c + 3 * pitch, ORDER);
    FloatVector t3 = FloatVector.fromMemorySegment(FLOATS, ALL, c + 3 * pitch + BYTES, ORDER);
    for (int i = 0; i < k; i++) {
      FloatVector u = FloatVector.fromMemorySegment(FLOATS, ALL, b + i * B_PITCH, ORDER);
      FloatVector v = FloatVector.fromMemorySegment(FLOATS, ALL, b + i * B_PITCH + BYTES, ORDER);
      FloatVector x = FloatVector.broadcast(FLOATS, a[ai + i]);
      s0 = x.fma(u, s0);
      t0 = x.fma(v, t0);
      x = FloatVector.broadcast(FLOATS, a[ai + i + A_PITCH]);
      s1 = x.fma(u, s1);
      t1 = x.fma(v, t1);
      x = FloatVector.broadcast(FLOATS, a[ai + i + 2 * A_PITCH]);
      s2 = x.fma(u, s2);
      t2 = x.fma(v, t2);
      x = FloatVector.broadcast(FLOATS, a[ai + i + 3 * A_PITCH]);
      s3 = x.fma(u, s3);
      t3 = x.fma(v, t3);
    }
    s0.intoMemorySegment(ALL, c, ORDER);
    t0.intoMemorySegment(ALL, c + BYTES, ORDER);
    s1.intoMemorySegment(ALL, c + pitch, ORDER);
    t1.intoMemorySegment(ALL, c + pitch + BYTES, ORDER);
    s2.intoMemorySegment(ALL, c + 2 * pitch, ORDER);
    t2.intoMemorySegment(ALL, c + 2 * pitch + BYTES, ORDER);
    s3.intoMemorySegment(ALL, c + 3 * pitch, ORDER);
    t3.intoMemorySegment(ALL, c + 3 * pitch + BYTES, ORDER);
  }

  private static void rows8(float[] a, int ai, long b, int k, long c, long pitch) {
    FloatVector s0 = FloatVector.fromMemorySegment(FLOATS, ALL, c, ORDER);
    FloatVector t0 = FloatVector.fromMemorySegment(FLOATS, ALL, c + BYTES, ORDER);
    FloatVector s1 = FloatVector.fromMemorySegment(FLOATS, ALL, c + pitch, ORDER);
    FloatVector t1 = FloatVector.fromMemorySegment(FLOATS, ALL, c + pitch + BYTES, ORDER);
    FloatVector s2 = FloatVector.fromMemorySegment(FLOATS, ALL, c + 2 * pitch, ORDER);
    FloatVector t2 = FloatVector.fromMemorySegment(FLOATS, ALL, c + 2 * pitch + BYTES, ORDER);
    FloatVector s3 = FloatVector.fromMemorySegment(FLOATS, ALL, c + 3 * pitch, ORDER);
    FloatVector t3 = FloatVector.fromMemorySegment(FLOATS, ALL, c + 3 * pitch + BYTES, ORDER);
    FloatVector s4 = FloatVector.fromMemorySegment(FLOATS, ALL, c + 4 * pitch, ORDER);
    FloatVector t4 = FloatVector.fromMemorySegment(FLOATS, ALL, c + 4 * pitch + BYTES, ORDER);
    FloatVector s5 = FloatVector.fromMemorySegment(FLOATS, ALL, c + 5 * pitch, ORDER);
    FloatVector t5 = FloatVector.fromMemorySegment(FLOATS, ALL, c + 5 * pitch + BYTES, ORDER);
    FloatVector s6 = FloatVector.fromMemorySegment(FLOATS, ALL, c + 6 * pitch, ORDER);
    FloatVector t6 = FloatVector.fromMemorySegment(FLOATS, ALL, c + 6 * pitch + BYTES, ORDER);
    FloatVector s7 = FloatVector.fromMemorySegment(FLOATS, ALL, c + 7 * pitch, ORDER);
    FloatVector t7 = FloatVector.fromMemorySegment(FLOATS, ALL, c + 7 * pitch + BYTES, ORDER);
    for (int i = 0; i < k; i++) {
      FloatVector u = FloatVector.fromMemorySegment(FLOATS, ALL, b + i * B_PITCH, ORDER);
      FloatVector v = FloatVector.fromMemorySegment(FLOATS, ALL, b + i * B_PITCH + BYTES, ORDER);
      FloatVector x = FloatVector.broadcast(FLOATS, a[ai + i]);
      s0 = x.fma(u, s0);
      t0 = x.fma(v, t0);
      x = FloatVector.broadcast(FLOATS, a[ai + i + A_PITCH]);
      s1 = x.fma(u, s1);
      t1 = x.fma(v, t1);
      x = FloatVector.broadcast(FLOATS, a[ai + i + 2 * A_PITCH]);
      s2 = x.fma(u, s2);
      t2 = x.fma(v, t2);
      x = FloatVector.broadcast(FLOATS, a[ai + i + 3 * A_PITCH]);
      s3 = x.fma(u, s3);
      t3 = x.fma(v, t3);
      x = FloatVector.broadcast(FLOATS, a[ai + i + 4 * A_PITCH]);
      s4 = x.fma(u, s4);
      t4 = x.fma(v, t4);
      x = FloatVector.broadcast(FLOATS, a[ai + i + 5 * A_PITCH]);
      s5 = x.fma(u, s5);
      t5 = x.fma(v, t5);
      x = FloatVector.broadcast(FLOATS, a[ai + i + 6 * A_PITCH]);
      s6 = x.fma(u, s6);
      t6 = x.fma(v, t6);
      x = FloatVector.broadcast(FLOATS, a[ai + i + 7 * A_PITCH]);
      s7 = x.fma(u, s7);
      t7 = x.fma(v, t7);
    }
    s0.intoMemorySegment(ALL, c, ORDER);
    t0.intoMemorySegment(ALL, c + BYTES, ORDER);
    s1.intoMemorySegment(ALL, c + pitch, ORDER);
    t1.intoMemorySegment(ALL, c + pitch + BYTES, ORDER);
    s2.intoMemorySegment(ALL, c + 2 * pitch, ORDER);
    t2.intoMemorySegment(ALL, c + 2 * pitch + BYTES, ORDER);
    s3.intoMemorySegment(ALL, c + 3 * pitch, ORDER);
    t3.intoMemorySegment(ALL, c + 3 * pitch + BYTES, ORDER);
    s4.intoMemorySegment(ALL, c + 4 * pitch, ORDER);
    t4.intoMemorySegment(ALL, c + 4 * pitch + BYTES, ORDER);
    s5.intoMemorySegment(ALL, c + 5 * pitch, ORDER);
    t5.intoMemorySegment(ALL, c + 5 * pitch + BYTES, ORDER);
    s6.intoMemorySegment(ALL, c + 6 * pitch, ORDER);
    t6.intoMemorySegment(ALL, c + 6 * pitch + BYTES, ORDER);
    s7.intoMemorySegment(ALL, c + 7 * pitch, ORDER);
    t7.intoMemorySegment(ALL, c + 7 * pitch + BYTES, ORDER);
  }

  private static void rows12(float[] a, int ai, long b, int k, long c, long pitch) {
    FloatVector s0 = FloatVector.fromMemorySegment(FLOATS, ALL, c, ORDER);
    FloatVector t0 = FloatVector.fromMemorySegment(FLOATS, ALL, c + BYTES, ORDER);
    FloatVector s1 = FloatVector.fromMemorySegment(FLOATS, ALL, c + pitch, ORDER);
    FloatVector t1 = FloatVector.fromMemorySegment(FLOATS, ALL, c + pitch + BYTES, ORDER);
    FloatVector s2 = FloatVector.fromMemorySegment(FLOATS, ALL, c + 2 * pitch, ORDER);
    FloatVector t2 = FloatVector.fromMemorySegment(FLOATS, ALL, c + 2 * pitch + BYTES, ORDER);
    FloatVector s3 = FloatVector.fromMemorySegment(FLOATS, ALL, c + 3 * pitch, ORDER);
    FloatVector t3 = FloatVector.fromMemorySegment(FLOATS, ALL, c + 3 * pitch + BYTES, ORDER);
    FloatVector s4 = FloatVector.fromMemorySegment(FLOATS, ALL, c + 4 * pitch, ORDER);
    FloatVector t4 = FloatVector.fromMemorySegment(FLOATS, ALL, c + 4 * pitch + BYTES, ORDER);
    FloatVector s5 = FloatVector.fromMemorySegment(FLOATS, ALL, c + 5 * pitch, ORDER);
    FloatVector t5 = FloatVector.fromMemorySegment(FLOATS, ALL, c + 5 * pitch + BYTES, ORDER);
    FloatVector s6 = FloatVector.fromMemorySegment(FLOATS, ALL, c + 6 * pitch, ORDER);
    FloatVector t6 = FloatVector.fromMemorySegment(FLOATS, ALL, c + 6 * pitch + BYTES, ORDER);
    FloatVector s7 = FloatVector.fromMemorySegment(FLOATS, ALL, c + 7 * pitch, ORDER);
    FloatVector t7 = FloatVector.fromMemorySegment(FLOATS, ALL, c + 7 * pitch + BYTES, ORDER);
    FloatVector s8 = FloatVector.fromMemorySegment(FLOATS, ALL, c + 8 * pitch, ORDER);
    FloatVector t8 = FloatVector.fromMemorySegment(FLOATS, ALL, c + 8 * pitch + BYTES, ORDER);
    FloatVector s9 = FloatVector.fromMemorySegment(FLOATS, ALL, c + 9 * pitch, ORDER);
    FloatVector t9 = FloatVector.fromMemorySegment(FLOATS, ALL, c + 9 * pitch + BYTES, ORDER);
    FloatVector s10 = FloatVector.fromMemorySegment(FLOATS, ALL, c + 10 * pitch, ORDER);
    FloatVector t10 = FloatVector.fromMemorySegment(FLOATS, ALL, c + 10 * pitch + BYTES, ORDER);
    FloatVector s11 = FloatVector.fromMemorySegment(FLOATS, ALL, c + 11 * pitch, ORDER);
    FloatVector t11 = FloatVector.fromMemorySegment(FLOATS, ALL, c + 11 * pitch + BYTES, ORDER);
    for (int i = 0; i < k; i++) {
      FloatVector u = FloatVector.fromMemorySegment(FLOATS, ALL, b + i * B_PITCH, ORDER);
      FloatVector v = FloatVector.fromMemorySegment(FLOATS, ALL, b + i * B_PITCH + BYTES, ORDER);
      FloatVector x = FloatVector.broadcast(FLOATS, a[ai + i]);
      s0 = x.fma(u, s0);
      t0 = x.fma(v, t0);
      x = FloatVector.broadcast(FLOATS, a[ai + i + A_PITCH]);
      s1 = x.fma(u, s1);
      t1 = x.fma(v, t1);
      x = FloatVector.broadcast(FLOATS, a[ai + i + 2 * A_PITCH]);
      s2 = x.fma(u, s2);
      t2 = x.fma(v, t2);
      x = FloatVector.broadcast(FLOATS, a[ai + i + 3 * A_PITCH]);
      s3 = x.fma(u, s3);
      t3 = x.fma(v, t3);
      x = FloatVector.broadcast(FLOATS, a[ai + i + 4 * A_PITCH]);
      s4 = x.fma(u, s4);
      t4 = x.fma(v, t4);
      x = FloatVector.broadcast(FLOATS, a[ai + i + 5 * A_PITCH]);
      s5 = x.fma(u, s5);
      t5 = x.fma(v, t5);
      x = FloatVector.broadcast(FLOATS, a[ai + i + 6 * A_PITCH]);
      s6 = x.fma(u, s6);
      t6 = x.fma(v, t6);
      x = FloatVector.broadcast(FLOATS, a[ai + i + 7 * A_PITCH]);
      s7 = x.fma(u, s7);
      t7 = x.fma(v, t7);
      x = FloatVector.broadcast(FLOATS, a[ai + i + 8 * A_PITCH]);
      s8 = x.fma(u, s8);
      t8 = x.fma(v, t8);
      x = FloatVector.broadcast(FLOATS, a[ai + i + 9 * A_PITCH]);
      s9 = x.fma(u, s9);
      t9 = x.fma(v, t9);
      x = FloatVector.broadcast(FLOATS, a[ai + i + 10 * A_PITCH]);
      s10 = x.fma(u, s10);
      t10 = x.fma(v, t10);
      x = FloatVector.broadcast(FLOATS, a[ai + i + 11 * A_PITCH]);
      s11 = x.fma(u, s11);
      t11 = x.fma(v, t11);
    }
    s0.intoMemorySegment(ALL, c, ORDER);
    t0.intoMemorySegment(ALL, c + BYTES, ORDER);
    s1.intoMemorySegment(ALL, c + pitch, ORDER);
    t1.intoMemorySegment(ALL, c + pitch + BYTES, ORDER);
    s2.intoMemorySegment(ALL, c + 2 * pitch, ORDER);
    t2.intoMemorySegment(ALL, c + 2 * pitch + BYTES, ORDER);
    s3.intoMemorySegment(ALL, c + 3 * pitch, ORDER);
    t3.intoMemorySegment(ALL, c + 3 * pitch + BYTES, ORDER);
    s4.intoMemorySegment(ALL, c + 4 * pitch, ORDER);
    t4.intoMemorySegment(ALL, c + 4 * pitch + BYTES, ORDER);
    s5.intoMemorySegment(ALL, c + 5 * pitch, ORDER);
    t5.intoMemorySegment(ALL, c + 5 * pitch + BYTES, ORDER);
    s6.intoMemorySegment(ALL, c + 6 * pitch, ORDER);
    t6.intoMemorySegment(ALL, c + 6 * pitch + BYTES, ORDER);
    s7.intoMemorySegment(ALL, c + 7 * pitch, ORDER);
    t7.intoMemorySegment(ALL, c + 7 * pitch + BYTES, ORDER);
    s8.intoMemorySegment(ALL, c + 8 * pitch, ORDER);
    t8.intoMemorySegment(ALL, c + 8 * pitch + BYTES, ORDER);
    s9.intoMemorySegment(ALL, c + 9 * pitch, ORDER);
    t9.intoMemorySegment(ALL, c + 9 * pitch + BYTES, ORDER);
    s10.intoMemorySegment(ALL, c + 10 * pitch, ORDER);
    t10.intoMemorySegment(ALL, c + 10 * pitch + BYTES, ORDER);
    s11.intoMemorySegment(ALL, c + 11 * pitch, ORDER);
    t11.intoMemorySegment(ALL, c + 11 * pitch + BYTES, ORDER);
  }
}
