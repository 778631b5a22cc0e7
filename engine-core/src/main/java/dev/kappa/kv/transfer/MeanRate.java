package dev.kappa.kv.transfer;

/**
 * A running mean of a rate: the bytes of late over the time that they took. A mean of single
 * pieces' rates would not do: where one piece's time was noted late, the next one seems to have
 * taken hardly any, and its rate outweighs all others'. Not thread-safe.
 */
final class MeanRate {

  /** By how much older pieces count less with each new one. */
  private static final double FADING = 0.1;

  private double bytes;
  private double nanos;

  /**
   * A rate that is assumed until pieces tell more.
   *
   * @param bytesPerNano what it is
   * @param pieceNanos time of a typical piece, as which it counts
   */
  MeanRate(double bytesPerNano, long pieceNanos) {
    nanos = pieceNanos / FADING;
    bytes = bytesPerNano * nanos;
  }

  /** A piece has moved. */
  void add(long moved, long took) {
    bytes += moved - FADING * bytes;
    nanos += took - FADING * nanos;
  }

  double bytesPerNano() {
    return bytes / nanos;
  }
}
