package dev.kappa.device.cpu;

import dev.kappa.device.Arguments;
import dev.kappa.device.Memory;

/** Copies between memories: the one place where bytes move on a copy stream. */
final class Copies {

  /**
   * A checked copy of {@code height} rows of {@code width} bytes.
   *
   * @param to address of the first target row
   * @param toPitch bytes between target rows
   * @param from address of the first source row
   * @param fromPitch bytes between source rows
   */
  record Request(long to, long toPitch, long from, long fromPitch, long width, long height) {

    static Request of(
        Memory target,
        long targetOffset,
        long targetPitch,
        Memory source,
        long sourceOffset,
        long sourcePitch,
        long width,
        long height) {
      Arguments.copy2d(
          target, targetOffset, targetPitch, source, sourceOffset, sourcePitch, width, height);
      return new Request(
          target.address() + targetOffset,
          targetPitch,
          source.address() + sourceOffset,
          sourcePitch,
          width,
          height);
    }
  }

  private Copies() {}

  static void run(Request copy) {
    for (long row = 0; row < copy.height(); row++) {
      Raw.copy(
          copy.from() + row * copy.fromPitch(), copy.to() + row * copy.toPitch(), copy.width());
    }
  }
}
