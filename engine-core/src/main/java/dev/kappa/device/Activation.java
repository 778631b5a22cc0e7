package dev.kappa.device;

/** The function on the gate of a feed-forward part. */
public enum Activation {
  /** {@code x / (1 + exp(-x))}. */
  SILU,

  /**
   * The approximation of {@code x · Φ(x)} with a hyperbolic tangent (Hendrycks and Gimpel, arXiv
   * 1606.08415): {@code x / 2 · (1 + tanh(√(2/π) · (x + 0.044715 x³)))}.
   */
  GELU_TANH
}
