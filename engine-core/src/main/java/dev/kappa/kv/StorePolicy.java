package dev.kappa.kv;

/** When a full block is copied to host memory. */
public enum StorePolicy {
  /** As soon as it is computed. */
  WRITE_THROUGH,
  /** When its content turns up a second time. */
  SELECTIVE,
  /** When it is about to be evicted from the device. */
  WRITE_BACK
}
