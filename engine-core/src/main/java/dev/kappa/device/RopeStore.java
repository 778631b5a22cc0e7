package dev.kappa.device;

import org.jspecify.annotations.Nullable;

/**
 * Arguments of {@link Kernels#ropeStore} that do not change from step to step.
 *
 * @param shape head geometry
 * @param table 32-bit floats {@code [positions][2][headDim / 2]}: cosines, then sines, of each
 *     position's rotation angles
 * @param queryNorm weights {@code [headDim]} of an RMS norm over each query head, before rotation
 * @param keyNorm the same for key heads; both or neither are given
 * @param normEpsilon epsilon of these norms
 */
public record RopeStore(
    AttentionShape shape,
    DeviceMemory table,
    @Nullable DeviceMemory queryNorm,
    @Nullable DeviceMemory keyNorm,
    float normEpsilon) {}
