package dev.kappa.roofline;

/** What matrix products are computed in, and what weights are stored in. */
public enum Precision {
  BF16(2),
  FP8(1);

  private final int bytes;

  Precision(int bytes) {
    this.bytes = bytes;
  }

  /** Bytes of an element. */
  public int bytes() {
    return bytes;
  }
}
