package dev.kappa.kv;

/** Which cached blocks may serve a sequence. */
public enum PrefixUse {
  /** None: all tokens are computed. */
  NONE,
  /** Those on the device. */
  DEVICE,
  /** Those on the device and those in host memory. */
  ALL
}
