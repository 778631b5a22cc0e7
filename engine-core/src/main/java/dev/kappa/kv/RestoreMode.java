package dev.kappa.kv;

/** What becomes of a prefix that lies in host memory. */
public enum RestoreMode {
  /** It is computed again. */
  RECOMPUTE,
  /** It is loaded, and computation begins as soon as its first layers are there. */
  LOAD,
  /** It is loaded, and computation begins when all of it is there; a baseline for measurements. */
  LOAD_WHOLE
}
