package dev.kappa.kv.transfer;

import dev.kappa.device.Memory;
import dev.kappa.device.Stream;

/**
 * A copy of {@code height} rows of {@code width} bytes whose starts are one pitch apart, which may
 * be submitted in several pieces of whole rows.
 */
public record Rows(
    Memory target,
    long targetOffset,
    long targetPitch,
    Memory source,
    long sourceOffset,
    long sourcePitch,
    long width,
    int height) {

  public long bytes() {
    return width * height;
  }

  /** Puts rows {@code from … from + count - 1} on a stream; rows without gaps go as one piece. */
  public void submit(Stream stream, int from, int count) {
    long to = targetOffset + from * targetPitch;
    long start = sourceOffset + from * sourcePitch;
    if (count == 1 || (targetPitch == width && sourcePitch == width)) {
      stream.copy(target, to, source, start, count * width);
    } else {
      stream.copy2d(target, to, targetPitch, source, start, sourcePitch, width, count);
    }
  }
}
