package dev.kappa.device.cpu;

import static dev.kappa.device.cpu.Lanes.COUNT;
import static dev.kappa.device.cpu.Lanes.FLOATS;

import jdk.incubator.vector.FloatVector;

/**
 * The inner kernel of every matrix product: {@code c[rows][32] += a[rows][k] · b[k][32]}, one chain
 * of fused multiply-adds over {@code k} per element, whatever the number of rows. Sums stay in
 * registers; one broadcast of {@code a} feeds two vectors of {@code b}.
 *
 * <p>{@code a} and {@code c} are arrays: access to them takes so much less code than access by
 * address that only so the largest kernel fits the compiler's inlining limits.
 */
final class TileKernel {

  /** Columns of {@code b}: the width of a panel. */
  static final int PANEL = 32;

  /** Elements from one row of {@code a} to the next, and the largest {@code k} of a call. */
  static final int DEPTH = 512;

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
   * @param ai where {@code a} begins; its rows are {@link #DEPTH} apart
   * @param b address of {@code k} rows of {@link #PANEL} floats
   * @param ci where {@code c} begins; its rows are {@code pitch} apart
   */
  static void multiplyAdd(
      int height, float[] a, int ai, long b, int k, float[] c, int ci, int pitch) {
    for (int column = 0; column < PANEL; column += 2 * COUNT) {
      long bj = b + (long) column * Float.BYTES;
      int cj = ci + column;
      switch (height) {
        case 1 -> rows1(a, ai, bj, k, c, cj);
        case 2 -> rows2(a, ai, bj, k, c, cj, pitch);
        case 4 -> rows4(a, ai, bj, k, c, cj, pitch);
        case 8 -> rows8(a, ai, bj, k, c, cj, pitch);
        case 12 -> rows12(a, ai, bj, k, c, cj, pitch);
        default -> throw new IllegalArgumentException("no kernel for " + height + " rows");
      }
    }
  }

  private static void rows1(float[] a, int ai, long b, int k, float[] c, int ci) {
    FloatVector s0 = FloatVector.fromArray(FLOATS, c, ci);
    FloatVector t0 = FloatVector.fromArray(FLOATS, c, ci + COUNT);
    for (int i = 0; i < k; i++) {
      FloatVector u = Lanes.load(b + i * B_PITCH);
      FloatVector v = Lanes.load(b + i * B_PITCH + Lanes.BYTES);
      FloatVector x = FloatVector.broadcast(FLOATS, a[ai + i]);
      s0 = x.fma(u, s0);
      t0 = x.fma(v, t0);
    }
    s0.intoArray(c, ci);
    t0.intoArray(c, ci + COUNT);
  }

  private static void rows2(float[] a, int ai, long b, int k, float[] c, int ci, int pitch) {
    FloatVector s0 = FloatVector.fromArray(FLOATS, c, ci);
    FloatVector t0 = FloatVector.fromArray(FLOATS, c, ci + COUNT);
    FloatVector s1 = FloatVector.fromArray(FLOATS, c, ci + pitch);
    FloatVector t1 = FloatVector.fromArray(FLOATS, c, ci + pitch + COUNT);
    for (int i = 0; i < k; i++) {
      FloatVector u = Lanes.load(b + i * B_PITCH);
      FloatVector v = Lanes.load(b + i * B_PITCH + Lanes.BYTES);
      FloatVector x = FloatVector.broadcast(FLOATS, a[ai + i]);
      s0 = x.fma(u, s0);
      t0 = x.fma(v, t0);
      x = FloatVector.broadcast(FLOATS, a[ai + i + DEPTH]);
      s1 = x.fma(u, s1);
      t1 = x.fma(v, t1);
    }
    s0.intoArray(c, ci);
    t0.intoArray(c, ci + COUNT);
    s1.intoArray(c, ci + pitch);
    t1.intoArray(c, ci + pitch + COUNT);
  }

  private static void rows4(float[] a, int ai, long b, int k, float[] c, int ci, int pitch) {
    FloatVector s0 = FloatVector.fromArray(FLOATS, c, ci);
    FloatVector t0 = FloatVector.fromArray(FLOATS, c, ci + COUNT);
    FloatVector s1 = FloatVector.fromArray(FLOATS, c, ci + pitch);
    FloatVector t1 = FloatVector.fromArray(FLOATS, c, ci + pitch + COUNT);
    FloatVector s2 = FloatVector.fromArray(FLOATS, c, ci + 2 * pitch);
    FloatVector t2 = FloatVector.fromArray(FLOATS, c, ci + 2 * pitch + COUNT);
    FloatVector s3 = FloatVector.fromArray(FLOATS, c, ci + 3 * pitch);
    FloatVector t3 = FloatVector.fromArray(FLOATS, c, ci + 3 * pitch + COUNT);
    for (int i = 0; i < k; i++) {
      FloatVector u = Lanes.load(b + i * B_PITCH);
      FloatVector v = Lanes.load(b + i * B_PITCH + Lanes.BYTES);
      FloatVector x = FloatVector.broadcast(FLOATS, a[ai + i]);
      s0 = x.fma(u, s0);
      t0 = x.fma(v, t0);
      x = FloatVector.broadcast(FLOATS, a[ai + i + DEPTH]);
      s1 = x.fma(u, s1);
      t1 = x.fma(v, t1);
      x = FloatVector.broadcast(FLOATS, a[ai + i + 2 * DEPTH]);
      s2 = x.fma(u, s2);
      t2 = x.fma(v, t2);
      x = FloatVector.broadcast(FLOATS, a[ai + i + 3 * DEPTH]);
      s3 = x.fma(u, s3);
      t3 = x.fma(v, t3);
    }
    s0.intoArray(c, ci);
    t0.intoArray(c, ci + COUNT);
    s1.intoArray(c, ci + pitch);
    t1.intoArray(c, ci + pitch + COUNT);
    s2.intoArray(c, ci + 2 * pitch);
    t2.intoArray(c, ci + 2 * pitch + COUNT);
    s3.intoArray(c, ci + 3 * pitch);
    t3.intoArray(c, ci + 3 * pitch + COUNT);
  }

  private static void rows8(float[] a, int ai, long b, int k, float[] c, int ci, int pitch) {
    FloatVector s0 = FloatVector.fromArray(FLOATS, c, ci);
    FloatVector t0 = FloatVector.fromArray(FLOATS, c, ci + COUNT);
    FloatVector s1 = FloatVector.fromArray(FLOATS, c, ci + pitch);
    FloatVector t1 = FloatVector.fromArray(FLOATS, c, ci + pitch + COUNT);
    FloatVector s2 = FloatVector.fromArray(FLOATS, c, ci + 2 * pitch);
    FloatVector t2 = FloatVector.fromArray(FLOATS, c, ci + 2 * pitch + COUNT);
    FloatVector s3 = FloatVector.fromArray(FLOATS, c, ci + 3 * pitch);
    FloatVector t3 = FloatVector.fromArray(FLOATS, c, ci + 3 * pitch + COUNT);
    FloatVector s4 = FloatVector.fromArray(FLOATS, c, ci + 4 * pitch);
    FloatVector t4 = FloatVector.fromArray(FLOATS, c, ci + 4 * pitch + COUNT);
    FloatVector s5 = FloatVector.fromArray(FLOATS, c, ci + 5 * pitch);
    FloatVector t5 = FloatVector.fromArray(FLOATS, c, ci + 5 * pitch + COUNT);
    FloatVector s6 = FloatVector.fromArray(FLOATS, c, ci + 6 * pitch);
    FloatVector t6 = FloatVector.fromArray(FLOATS, c, ci + 6 * pitch + COUNT);
    FloatVector s7 = FloatVector.fromArray(FLOATS, c, ci + 7 * pitch);
    FloatVector t7 = FloatVector.fromArray(FLOATS, c, ci + 7 * pitch + COUNT);
    for (int i = 0; i < k; i++) {
      FloatVector u = Lanes.load(b + i * B_PITCH);
      FloatVector v = Lanes.load(b + i * B_PITCH + Lanes.BYTES);
      FloatVector x = FloatVector.broadcast(FLOATS, a[ai + i]);
      s0 = x.fma(u, s0);
      t0 = x.fma(v, t0);
      x = FloatVector.broadcast(FLOATS, a[ai + i + DEPTH]);
      s1 = x.fma(u, s1);
      t1 = x.fma(v, t1);
      x = FloatVector.broadcast(FLOATS, a[ai + i + 2 * DEPTH]);
      s2 = x.fma(u, s2);
      t2 = x.fma(v, t2);
      x = FloatVector.broadcast(FLOATS, a[ai + i + 3 * DEPTH]);
      s3 = x.fma(u, s3);
      t3 = x.fma(v, t3);
      x = FloatVector.broadcast(FLOATS, a[ai + i + 4 * DEPTH]);
      s4 = x.fma(u, s4);
      t4 = x.fma(v, t4);
      x = FloatVector.broadcast(FLOATS, a[ai + i + 5 * DEPTH]);
      s5 = x.fma(u, s5);
      t5 = x.fma(v, t5);
      x = FloatVector.broadcast(FLOATS, a[ai + i + 6 * DEPTH]);
      s6 = x.fma(u, s6);
      t6 = x.fma(v, t6);
      x = FloatVector.broadcast(FLOATS, a[ai + i + 7 * DEPTH]);
      s7 = x.fma(u, s7);
      t7 = x.fma(v, t7);
    }
    s0.intoArray(c, ci);
    t0.intoArray(c, ci + COUNT);
    s1.intoArray(c, ci + pitch);
    t1.intoArray(c, ci + pitch + COUNT);
    s2.intoArray(c, ci + 2 * pitch);
    t2.intoArray(c, ci + 2 * pitch + COUNT);
    s3.intoArray(c, ci + 3 * pitch);
    t3.intoArray(c, ci + 3 * pitch + COUNT);
    s4.intoArray(c, ci + 4 * pitch);
    t4.intoArray(c, ci + 4 * pitch + COUNT);
    s5.intoArray(c, ci + 5 * pitch);
    t5.intoArray(c, ci + 5 * pitch + COUNT);
    s6.intoArray(c, ci + 6 * pitch);
    t6.intoArray(c, ci + 6 * pitch + COUNT);
    s7.intoArray(c, ci + 7 * pitch);
    t7.intoArray(c, ci + 7 * pitch + COUNT);
  }

  private static void rows12(float[] a, int ai, long b, int k, float[] c, int ci, int pitch) {
    FloatVector s0 = FloatVector.fromArray(FLOATS, c, ci);
    FloatVector t0 = FloatVector.fromArray(FLOATS, c, ci + COUNT);
    FloatVector s1 = FloatVector.fromArray(FLOATS, c, ci + pitch);
    FloatVector t1 = FloatVector.fromArray(FLOATS, c, ci + pitch + COUNT);
    FloatVector s2 = FloatVector.fromArray(FLOATS, c, ci + 2 * pitch);
    FloatVector t2 = FloatVector.fromArray(FLOATS, c, ci + 2 * pitch + COUNT);
    FloatVector s3 = FloatVector.fromArray(FLOATS, c, ci + 3 * pitch);
    FloatVector t3 = FloatVector.fromArray(FLOATS, c, ci + 3 * pitch + COUNT);
    FloatVector s4 = FloatVector.fromArray(FLOATS, c, ci + 4 * pitch);
    FloatVector t4 = FloatVector.fromArray(FLOATS, c, ci + 4 * pitch + COUNT);
    FloatVector s5 = FloatVector.fromArray(FLOATS, c, ci + 5 * pitch);
    FloatVector t5 = FloatVector.fromArray(FLOATS, c, ci + 5 * pitch + COUNT);
    FloatVector s6 = FloatVector.fromArray(FLOATS, c, ci + 6 * pitch);
    FloatVector t6 = FloatVector.fromArray(FLOATS, c, ci + 6 * pitch + COUNT);
    FloatVector s7 = FloatVector.fromArray(FLOATS, c, ci + 7 * pitch);
    FloatVector t7 = FloatVector.fromArray(FLOATS, c, ci + 7 * pitch + COUNT);
    FloatVector s8 = FloatVector.fromArray(FLOATS, c, ci + 8 * pitch);
    FloatVector t8 = FloatVector.fromArray(FLOATS, c, ci + 8 * pitch + COUNT);
    FloatVector s9 = FloatVector.fromArray(FLOATS, c, ci + 9 * pitch);
    FloatVector t9 = FloatVector.fromArray(FLOATS, c, ci + 9 * pitch + COUNT);
    FloatVector s10 = FloatVector.fromArray(FLOATS, c, ci + 10 * pitch);
    FloatVector t10 = FloatVector.fromArray(FLOATS, c, ci + 10 * pitch + COUNT);
    FloatVector s11 = FloatVector.fromArray(FLOATS, c, ci + 11 * pitch);
    FloatVector t11 = FloatVector.fromArray(FLOATS, c, ci + 11 * pitch + COUNT);
    for (int i = 0; i < k; i++) {
      FloatVector u = Lanes.load(b + i * B_PITCH);
      FloatVector v = Lanes.load(b + i * B_PITCH + Lanes.BYTES);
      FloatVector x = FloatVector.broadcast(FLOATS, a[ai + i]);
      s0 = x.fma(u, s0);
      t0 = x.fma(v, t0);
      x = FloatVector.broadcast(FLOATS, a[ai + i + DEPTH]);
      s1 = x.fma(u, s1);
      t1 = x.fma(v, t1);
      x = FloatVector.broadcast(FLOATS, a[ai + i + 2 * DEPTH]);
      s2 = x.fma(u, s2);
      t2 = x.fma(v, t2);
      x = FloatVector.broadcast(FLOATS, a[ai + i + 3 * DEPTH]);
      s3 = x.fma(u, s3);
      t3 = x.fma(v, t3);
      x = FloatVector.broadcast(FLOATS, a[ai + i + 4 * DEPTH]);
      s4 = x.fma(u, s4);
      t4 = x.fma(v, t4);
      x = FloatVector.broadcast(FLOATS, a[ai + i + 5 * DEPTH]);
      s5 = x.fma(u, s5);
      t5 = x.fma(v, t5);
      x = FloatVector.broadcast(FLOATS, a[ai + i + 6 * DEPTH]);
      s6 = x.fma(u, s6);
      t6 = x.fma(v, t6);
      x = FloatVector.broadcast(FLOATS, a[ai + i + 7 * DEPTH]);
      s7 = x.fma(u, s7);
      t7 = x.fma(v, t7);
      x = FloatVector.broadcast(FLOATS, a[ai + i + 8 * DEPTH]);
      s8 = x.fma(u, s8);
      t8 = x.fma(v, t8);
      x = FloatVector.broadcast(FLOATS, a[ai + i + 9 * DEPTH]);
      s9 = x.fma(u, s9);
      t9 = x.fma(v, t9);
      x = FloatVector.broadcast(FLOATS, a[ai + i + 10 * DEPTH]);
      s10 = x.fma(u, s10);
      t10 = x.fma(v, t10);
      x = FloatVector.broadcast(FLOATS, a[ai + i + 11 * DEPTH]);
      s11 = x.fma(u, s11);
      t11 = x.fma(v, t11);
    }
    s0.intoArray(c, ci);
    t0.intoArray(c, ci + COUNT);
    s1.intoArray(c, ci + pitch);
    t1.intoArray(c, ci + pitch + COUNT);
    s2.intoArray(c, ci + 2 * pitch);
    t2.intoArray(c, ci + 2 * pitch + COUNT);
    s3.intoArray(c, ci + 3 * pitch);
    t3.intoArray(c, ci + 3 * pitch + COUNT);
    s4.intoArray(c, ci + 4 * pitch);
    t4.intoArray(c, ci + 4 * pitch + COUNT);
    s5.intoArray(c, ci + 5 * pitch);
    t5.intoArray(c, ci + 5 * pitch + COUNT);
    s6.intoArray(c, ci + 6 * pitch);
    t6.intoArray(c, ci + 6 * pitch + COUNT);
    s7.intoArray(c, ci + 7 * pitch);
    t7.intoArray(c, ci + 7 * pitch + COUNT);
    s8.intoArray(c, ci + 8 * pitch);
    t8.intoArray(c, ci + 8 * pitch + COUNT);
    s9.intoArray(c, ci + 9 * pitch);
    t9.intoArray(c, ci + 9 * pitch + COUNT);
    s10.intoArray(c, ci + 10 * pitch);
    t10.intoArray(c, ci + 10 * pitch + COUNT);
    s11.intoArray(c, ci + 11 * pitch);
    t11.intoArray(c, ci + 11 * pitch + COUNT);
  }
}
