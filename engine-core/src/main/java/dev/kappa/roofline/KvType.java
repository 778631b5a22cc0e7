package dev.kappa.roofline;

/** How a cache keeps keys and values. */
public enum KvType {
  F32(4, 0),
  BF16(2, 0),
  FP8(1, 0),
  /** Integers with one float as scale for every vector: a head's key or value of one token. */
  INT8(1, 4);

  private final int elementBytes;
  private final int vectorBytes;

  KvType(int elementBytes, int vectorBytes) {
    this.elementBytes = elementBytes;
    this.vectorBytes = vectorBytes;
  }

  /** Bytes of one layer's entry for one token. */
  public long bytes(Attention attention) {
    return attention.kvElements() * elementBytes + (long) attention.kvVectors() * vectorBytes;
  }
}
