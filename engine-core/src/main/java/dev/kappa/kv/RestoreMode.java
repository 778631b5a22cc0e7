package dev.kappa.kv;

/** What becomes of a prefix that lies in host memory. */
public enum RestoreMode {
  /** It is computed again. */
  RECOMPUTE,
  /** It is loaded, and computation begins as soon as its first layers are there. */
  LOAD,
  /** It is loaded, and computation begins when all of it is there; a baseline for measurements. */
  LOAD_WHOLE,
  /**
   * Its end is loaded while its beginning is computed again, with the cut where both are done at
   * the same time; one of them alone where that is as good.
   */
  AUTO
}
