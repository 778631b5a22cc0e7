package dev.kappa.model;

import dev.kappa.model.RopeConfig.Llama3;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Rotation angles of all positions as cosines and sines, {@code float[positions][2][headDim / 2]}:
 * what {@link dev.kappa.device.RopeStore#table} wants.
 *
 * <p>Frequencies and angles are rounded to 32 bits where Hugging Face transformers rounds them:
 * models were trained with those angles, and at position 100,000 the rounding is worth 0.01 rad.
 */
public final class RopeTable {

  private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED;

  private static final int POSITIONS_PER_PART = 256;

  private RopeTable() {}

  /** Size of a table in bytes. */
  public static long bytes(int positions, int headDim) {
    return (long) positions * headDim * Float.BYTES;
  }

  /**
   * Computes a table.
   *
   * @param headDim elements per head, even
   * @param target at least {@link #bytes} long
   */
  public static void write(RopeConfig rope, int positions, int headDim, MemorySegment target) {
    float[] frequencies = inverseFrequencies(rope, headDim);
    MemorySegment table = target.asSlice(0, bytes(positions, headDim));
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

  /**
   * Radians per position of each pair of elements: {@code theta^(-2i / headDim)}, scaled. A
   * different power function may move single values by one unit in the last place.
   */
  public static float[] inverseFrequencies(RopeConfig rope, int headDim) {
    float[] frequencies = new float[headDim / 2];
    for (int i = 0; i < frequencies.length; i++) {
      float exponent = (2f * i) / headDim;
      float frequency = 1f / (float) Math.pow((float) rope.theta(), exponent);
      frequencies[i] = rope.llama3() == null ? frequency : scale(frequency, rope.llama3());
    }
    return frequencies;
  }

  private static void writePosition(int position, float[] frequencies, MemorySegment table) {
    int half = frequencies.length;
    long cosines = (long) position * 2 * half;
    long sines = cosines + half;
    for (int i = 0; i < half; i++) {
      float angle = position * frequencies[i];
      table.setAtIndex(FLOAT, cosines + i, (float) Math.cos(angle));
      table.setAtIndex(FLOAT, sines + i, (float) Math.sin(angle));
    }
  }

  /** Scaling of "llama3", with the roundings of transformers' {@code modeling_rope_utils.py}. */
  private static float scale(float frequency, Llama3 llama3) {
    int original = llama3.originalPositions();
    float low = (float) llama3.lowFrequencyFactor();
    float high = (float) llama3.highFrequencyFactor();
    float factor = (float) llama3.factor();
    float wavelength = (float) (2 * Math.PI) / frequency;
    if (wavelength < original / llama3.highFrequencyFactor()) {
      return frequency;
    }
    if (wavelength > original / llama3.lowFrequencyFactor()) {
      return frequency / factor;
    }
    float smooth = (original / wavelength - low) / (high - low);
    return (1 - smooth) * frequency / factor + smooth * frequency;
  }
}
