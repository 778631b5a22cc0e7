package dev.kappa.device;

import org.jspecify.annotations.Nullable;

/**
 * Arguments of {@link Kernels#ropeStore} that do not change from step to step.
 *
 * @param shape head geometry
 * @param table 32-bit floats {@code [positions][2][rotaryDim / 2]}: cosines, then sines, of each
 *     position's rotation angles
 * @param rotaryDim elements of each head that are rotated, the first ones; even
 * @param bias {@code float[qkvColumns]}, added to queries, keys and values before all else; null
 *     for none
 * @param queryNorm weights {@code float[headDim]} of an RMS norm over each query head, before
 *     rotation
 * @param keyNorm the same for key heads; both or neither are given
 * @param normEpsilon epsilon of these norms
 */
public record RopeStore(
    AttentionShape shape,
    DeviceMemory table,
    int rotaryDim,
    @Nullable DeviceMemory bias,
    @Nullable DeviceMemory queryNorm,
    @Nullable DeviceMemory keyNorm,
    float normEpsilon) {

  public RopeStore {
    if (rotaryDim < 2 || rotaryDim % 2 != 0 || rotaryDim > shape.headDim()) {
      throw new IllegalArgumentException(
          "%d elements of %d are rotated".formatted(rotaryDim, shape.headDim()));
    }
    if ((queryNorm == null) != (keyNorm == null)) {
      throw new IllegalArgumentException("query and key norms come together");
    }
  }

  /** Rotates whole heads, without a bias. */
  public RopeStore(
      AttentionShape shape,
      DeviceMemory table,
      @Nullable DeviceMemory queryNorm,
      @Nullable DeviceMemory keyNorm,
      float normEpsilon) {
    this(shape, table, shape.headDim(), null, queryNorm, keyNorm, normEpsilon);
  }
}
