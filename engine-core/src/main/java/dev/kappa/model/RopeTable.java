package dev.kappa.model;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Rotation angles of all positions as cosines and sines, {@code float[positions][2][dim / 2]}: what
 * {@link dev.kappa.device.RopeStore#table} wants.
 *
 * <p>Frequencies and angles are rounded to 32 bits where Hugging Face transformers rounds them:
 * models were trained with those angles, and at position 100,000 the rounding is worth 0.01 rad.
 */
public final class RopeTable {

  private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED;

  private static final int POSITIONS_PER_PART = 256;

  private RopeTable() {}

  /** Size of a table in bytes. */
  public static long bytes(int positions, int dim) {
    return (long) positions * dim * Float.BYTES;
  }

  /**
   * Computes a table.
   *
   * @param positions as many as the longest context has
   * @param dim rotated elements of a head, even
   * @param target at least {@link #bytes} long
   */
  public static void write(RopeConfig rope, int positions, int dim, MemorySegment target) {
    RopeFrequencies frequencies = RopeFrequencies.of(rope, dim, positions);
    MemorySegment table = target.asSlice(0, bytes(positions, dim));
    ParallelFill.run(
        table,
        positions,
        POSITIONS_PER_PART,
        (part, from, to) -> {
          for (long position = from; position < to; position++) {
            writePosition((int) position, frequencies, part);
          }
        });
  }

  private static void writePosition(int position, RopeFrequencies rope, MemorySegment table) {
    float[] frequencies = rope.inverse();
    int half = frequencies.length;
    long cosines = (long) position * 2 * half;
    long sines = cosines + half;
    for (int i = 0; i < half; i++) {
      float angle = position * frequencies[i];
      table.setAtIndex(FLOAT, cosines + i, (float) Math.cos(angle) * rope.amplitude());
      table.setAtIndex(FLOAT, sines + i, (float) Math.sin(angle) * rope.amplitude());
    }
  }
}
