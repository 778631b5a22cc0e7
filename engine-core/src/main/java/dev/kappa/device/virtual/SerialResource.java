package dev.kappa.device.virtual;

/** Something that works on one operation after the other, in the order in which they are ready. */
final class SerialResource {

  private long freeAt;

  /** Takes the next free stretch of time; returns its end. */
  long reserve(long now, long nanos) {
    freeAt = Math.addExact(Math.max(now, freeAt), nanos);
    return freeAt;
  }
}
