package dev.kappa.kv;

/** When a full block is copied to host memory. */
public enum StorePolicy {
  /**
   * As soon as it is computed while host memory has room. Where another block has to go for it, as
   * {@link #WRITE_THROUGH} or as {@link #FREQUENCY} does, whichever keeps more of what is asked
   * for; and hardly ever while nothing that was stored is read.
   */
  ADAPTIVE,
  /** As soon as it is computed. */
  WRITE_THROUGH,
  /**
   * As soon as it is computed while host memory has room; after that only over a block that was
   * asked for less often.
   */
  FREQUENCY,
  /** When its content turns up a second time. */
  SELECTIVE,
  /** When it is about to be evicted from the device. */
  WRITE_BACK
}
