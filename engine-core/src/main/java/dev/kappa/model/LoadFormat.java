package dev.kappa.model;

/** Where weights come from. */
public enum LoadFormat {
  /** The directory's {@code *.safetensors} files, or the GGUF file. */
  STORED,
  /** Seeded random numbers in the shapes that {@code config.json} gives; needs no weight files. */
  DUMMY
}
