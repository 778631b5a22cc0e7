package dev.kappa.device.cpu;

import static dev.kappa.device.cpu.Lanes.BYTES;
import static dev.kappa.device.cpu.Lanes.broadcast;
import static dev.kappa.device.cpu.Lanes.load;
import static dev.kappa.device.cpu.Lanes.store;

import jdk.incubator.vector.FloatVector;

/**
 * The inner kernel of every matrix product: {@code c[rows][32] += a[rows][k] · b[k][32]}, one chain
 * of fused multiply-adds over {@code k} per element, whatever the number of rows. Sums stay in
 * registers; one broadcast of {@code a} feeds two vectors of {@code b}.
 */
final class TileKernel {

  /** Columns of {@code b} and {@code c}: the width of a panel. */
  static final int PANEL = 32;

  /** Elements from one row of {@code a} to the next, and the largest {@code k} of a call. */
  static final int DEPTH = 256;

  /** Most rows of a call: what fits the registers. */
  static final int ROWS = Lanes.COUNT == 16 ? 12 : 4;

  static final long A_PITCH = (long) DEPTH * Float.BYTES;
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
   * @param a rows {@link #A_PITCH} bytes apart
   * @param b {@code k} rows of {@link #PANEL} floats
   * @param c rows {@code pitch} bytes apart
   */
  static void multiplyAdd(int height, long a, long b, int k, long c, long pitch) {
    for (int column = 0; column < PANEL; column += 2 * Lanes.COUNT) {
      long bc = b + (long) column * Float.BYTES;
      long cc = c + (long) column * Float.BYTES;
      switch (height) {
        case 1 -> rows1(a, bc, k, cc);
        case 2 -> rows2(a, bc, k, cc, pitch);
        case 4 -> rows4(a, bc, k, cc, pitch);
        case 8 -> rows8(a, bc, k, cc, pitch);
        case 12 -> rows12(a, bc, k, cc, pitch);
        default -> throw new IllegalArgumentException("no kernel for " + height + " rows");
      }
    }
  }

  private static void rows1(long a, long b, int k, long c) {
    FloatVector s0 = load(c);
    FloatVector t0 = load(c + BYTES);
    for (int i = 0; i < k; i++) {
      long ai = a + (long) i * Float.BYTES;
      FloatVector u = load(b + (long) i * B_PITCH);
      FloatVector v = load(b + (long) i * B_PITCH + BYTES);
      FloatVector x = broadcast(ai);
      s0 = x.fma(u, s0);
      t0 = x.fma(v, t0);
    }
    store(s0, c);
    store(t0, c + BYTES);
  }

  private static void rows2(long a, long b, int k, long c, long pitch) {
    FloatVector s0 = load(c);
    FloatVector t0 = load(c + BYTES);
    FloatVector s1 = load(c + pitch);
    FloatVector t1 = load(c + pitch + BYTES);
    for (int i = 0; i < k; i++) {
      long ai = a + (long) i * Float.BYTES;
      FloatVector u = load(b + (long) i * B_PITCH);
      FloatVector v = load(b + (long) i * B_PITCH + BYTES);
      FloatVector x = broadcast(ai);
      s0 = x.fma(u, s0);
      t0 = x.fma(v, t0);
      x = broadcast(ai + A_PITCH);
      s1 = x.fma(u, s1);
      t1 = x.fma(v, t1);
    }
    store(s0, c);
    store(t0, c + BYTES);
    store(s1, c + pitch);
    store(t1, c + pitch + BYTES);
  }

  private static void rows4(long a, long b, int k, long c, long pitch) {
    FloatVector s0 = load(c);
    FloatVector t0 = load(c + BYTES);
    FloatVector s1 = load(c + pitch);
    FloatVector t1 = load(c + pitch + BYTES);
    FloatVector s2 = load(c + 2 * pitch);
    FloatVector t2 = load(c + 2 * pitch + BYTES);
    FloatVector s3 = load(c + 3 * pitch);
    FloatVector t3 = load(c + 3 * pitch + BYTES);
    for (int i = 0; i < k; i++) {
      long ai = a + (long) i * Float.BYTES;
      FloatVector u = load(b + (long) i * B_PITCH);
      FloatVector v = load(b + (long) i * B_PITCH + BYTES);
      FloatVector x = broadcast(ai);
      s0 = x.fma(u, s0);
      t0 = x.fma(v, t0);
      x = broadcast(ai + A_PITCH);
      s1 = x.fma(u, s1);
      t1 = x.fma(v, t1);
      x = broadcast(ai + 2 * A_PITCH);
      s2 = x.fma(u, s2);
      t2 = x.fma(v, t2);
      x = broadcast(ai + 3 * A_PITCH);
      s3 = x.fma(u, s3);
      t3 = x.fma(v, t3);
    }
    store(s0, c);
    store(t0, c + BYTES);
    store(s1, c + pitch);
    store(t1, c + pitch + BYTES);
    store(s2, c + 2 * pitch);
    store(t2, c + 2 * pitch + BYTES);
    store(s3, c + 3 * pitch);
    store(t3, c + 3 * pitch + BYTES);
  }

  private static void rows8(long a, long b, int k, long c, long pitch) {
    FloatVector s0 = load(c);
    FloatVector t0 = load(c + BYTES);
    FloatVector s1 = load(c + pitch);
    FloatVector t1 = load(c + pitch + BYTES);
    FloatVector s2 = load(c + 2 * pitch);
    FloatVector t2 = load(c + 2 * pitch + BYTES);
    FloatVector s3 = load(c + 3 * pitch);
    FloatVector t3 = load(c + 3 * pitch + BYTES);
    FloatVector s4 = load(c + 4 * pitch);
    FloatVector t4 = load(c + 4 * pitch + BYTES);
    FloatVector s5 = load(c + 5 * pitch);
    FloatVector t5 = load(c + 5 * pitch + BYTES);
    FloatVector s6 = load(c + 6 * pitch);
    FloatVector t6 = load(c + 6 * pitch + BYTES);
    FloatVector s7 = load(c + 7 * pitch);
    FloatVector t7 = load(c + 7 * pitch + BYTES);
    for (int i = 0; i < k; i++) {
      long ai = a + (long) i * Float.BYTES;
      FloatVector u = load(b + (long) i * B_PITCH);
      FloatVector v = load(b + (long) i * B_PITCH + BYTES);
      FloatVector x = broadcast(ai);
      s0 = x.fma(u, s0);
      t0 = x.fma(v, t0);
      x = broadcast(ai + A_PITCH);
      s1 = x.fma(u, s1);
      t1 = x.fma(v, t1);
      x = broadcast(ai + 2 * A_PITCH);
      s2 = x.fma(u, s2);
      t2 = x.fma(v, t2);
      x = broadcast(ai + 3 * A_PITCH);
      s3 = x.fma(u, s3);
      t3 = x.fma(v, t3);
      x = broadcast(ai + 4 * A_PITCH);
      s4 = x.fma(u, s4);
      t4 = x.fma(v, t4);
      x = broadcast(ai + 5 * A_PITCH);
      s5 = x.fma(u, s5);
      t5 = x.fma(v, t5);
      x = broadcast(ai + 6 * A_PITCH);
      s6 = x.fma(u, s6);
      t6 = x.fma(v, t6);
      x = broadcast(ai + 7 * A_PITCH);
      s7 = x.fma(u, s7);
      t7 = x.fma(v, t7);
    }
    store(s0, c);
    store(t0, c + BYTES);
    store(s1, c + pitch);
    store(t1, c + pitch + BYTES);
    store(s2, c + 2 * pitch);
    store(t2, c + 2 * pitch + BYTES);
    store(s3, c + 3 * pitch);
    store(t3, c + 3 * pitch + BYTES);
    store(s4, c + 4 * pitch);
    store(t4, c + 4 * pitch + BYTES);
    store(s5, c + 5 * pitch);
    store(t5, c + 5 * pitch + BYTES);
    store(s6, c + 6 * pitch);
    store(t6, c + 6 * pitch + BYTES);
    store(s7, c + 7 * pitch);
    store(t7, c + 7 * pitch + BYTES);
  }

  private static void rows12(long a, long b, int k, long c, long pitch) {
    FloatVector s0 = load(c);
    FloatVector t0 = load(c + BYTES);
    FloatVector s1 = load(c + pitch);
    FloatVector t1 = load(c + pitch + BYTES);
    FloatVector s2 = load(c + 2 * pitch);
    FloatVector t2 = load(c + 2 * pitch + BYTES);
    FloatVector s3 = load(c + 3 * pitch);
    FloatVector t3 = load(c + 3 * pitch + BYTES);
    FloatVector s4 = load(c + 4 * pitch);
    FloatVector t4 = load(c + 4 * pitch + BYTES);
    FloatVector s5 = load(c + 5 * pitch);
    FloatVector t5 = load(c + 5 * pitch + BYTES);
    FloatVector s6 = load(c + 6 * pitch);
    FloatVector t6 = load(c + 6 * pitch + BYTES);
    FloatVector s7 = load(c + 7 * pitch);
    FloatVector t7 = load(c + 7 * pitch + BYTES);
    FloatVector s8 = load(c + 8 * pitch);
    FloatVector t8 = load(c + 8 * pitch + BYTES);
    FloatVector s9 = load(c + 9 * pitch);
    FloatVector t9 = load(c + 9 * pitch + BYTES);
    FloatVector s10 = load(c + 10 * pitch);
    FloatVector t10 = load(c + 10 * pitch + BYTES);
    FloatVector s11 = load(c + 11 * pitch);
    FloatVector t11 = load(c + 11 * pitch + BYTES);
    for (int i = 0; i < k; i++) {
      long ai = a + (long) i * Float.BYTES;
      FloatVector u = load(b + (long) i * B_PITCH);
      FloatVector v = load(b + (long) i * B_PITCH + BYTES);
      FloatVector x = broadcast(ai);
      s0 = x.fma(u, s0);
      t0 = x.fma(v, t0);
      x = broadcast(ai + A_PITCH);
      s1 = x.fma(u, s1);
      t1 = x.fma(v, t1);
      x = broadcast(ai + 2 * A_PITCH);
      s2 = x.fma(u, s2);
      t2 = x.fma(v, t2);
      x = broadcast(ai + 3 * A_PITCH);
      s3 = x.fma(u, s3);
      t3 = x.fma(v, t3);
      x = broadcast(ai + 4 * A_PITCH);
      s4 = x.fma(u, s4);
      t4 = x.fma(v, t4);
      x = broadcast(ai + 5 * A_PITCH);
      s5 = x.fma(u, s5);
      t5 = x.fma(v, t5);
      x = broadcast(ai + 6 * A_PITCH);
      s6 = x.fma(u, s6);
      t6 = x.fma(v, t6);
      x = broadcast(ai + 7 * A_PITCH);
      s7 = x.fma(u, s7);
      t7 = x.fma(v, t7);
      x = broadcast(ai + 8 * A_PITCH);
      s8 = x.fma(u, s8);
      t8 = x.fma(v, t8);
      x = broadcast(ai + 9 * A_PITCH);
      s9 = x.fma(u, s9);
      t9 = x.fma(v, t9);
      x = broadcast(ai + 10 * A_PITCH);
      s10 = x.fma(u, s10);
      t10 = x.fma(v, t10);
      x = broadcast(ai + 11 * A_PITCH);
      s11 = x.fma(u, s11);
      t11 = x.fma(v, t11);
    }
    store(s0, c);
    store(t0, c + BYTES);
    store(s1, c + pitch);
    store(t1, c + pitch + BYTES);
    store(s2, c + 2 * pitch);
    store(t2, c + 2 * pitch + BYTES);
    store(s3, c + 3 * pitch);
    store(t3, c + 3 * pitch + BYTES);
    store(s4, c + 4 * pitch);
    store(t4, c + 4 * pitch + BYTES);
    store(s5, c + 5 * pitch);
    store(t5, c + 5 * pitch + BYTES);
    store(s6, c + 6 * pitch);
    store(t6, c + 6 * pitch + BYTES);
    store(s7, c + 7 * pitch);
    store(t7, c + 7 * pitch + BYTES);
    store(s8, c + 8 * pitch);
    store(t8, c + 8 * pitch + BYTES);
    store(s9, c + 9 * pitch);
    store(t9, c + 9 * pitch + BYTES);
    store(s10, c + 10 * pitch);
    store(t10, c + 10 * pitch + BYTES);
    store(s11, c + 11 * pitch);
    store(t11, c + 11 * pitch + BYTES);
  }
}
