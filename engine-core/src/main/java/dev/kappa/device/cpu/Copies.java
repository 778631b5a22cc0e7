package dev.kappa.device.cpu;

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
      if (width < 0 || height < 0) {
        throw new IndexOutOfBoundsException("copy of " + height + " rows of " + width + " bytes");
      }
      if (height > 1 && (targetPitch < width || sourcePitch < width)) {
        throw new IndexOutOfBoundsException(
            "rows of %d bytes overlap at pitches %d and %d"
                .formatted(width, targetPitch, sourcePitch));
      }
      target.checkRange(targetOffset, extent(targetPitch, width, height));
      source.checkRange(sourceOffset, extent(sourcePitch, width, height));
      return new Request(
          target.address() + targetOffset,
          targetPitch,
          source.address() + sourceOffset,
          sourcePitch,
          width,
          height);
    }

    private static long extent(long pitch, long width, long height) {
      return height == 0 ? 0 : Math.addExact(Math.multiplyExact(pitch, height - 1), width);
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
