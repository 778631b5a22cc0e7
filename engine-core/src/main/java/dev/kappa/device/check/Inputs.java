package dev.kappa.device.check;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.SplittableRandom;

/** Where a case's inputs come from, and the memory of the large ones. Not thread-safe. */
final class Inputs implements AutoCloseable {

  final SplittableRandom random;
  private final Arena arena = Arena.ofShared();

  Inputs(long seed) {
    random = new SplittableRandom(seed);
  }

  /** Uniform in [-scale, scale). */
  float[] floats(int count, float scale) {
    return Values.random(random, count, scale);
  }

  /** A matrix of {@code bfloat16}, uniform in [-1, 1). */
  MemorySegment matrix(int rows, int columns) {
    MemorySegment matrix = arena.allocate((long) rows * columns * Short.BYTES);
    Values.fill(random, matrix, 1f);
    return matrix;
  }

  /** Bytes in which every number is NaN. */
  MemorySegment poison(long bytes) {
    return arena.allocate(bytes).fill((byte) 0xff);
  }

  @Override
  public void close() {
    arena.close();
  }
}
