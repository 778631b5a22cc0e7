package dev.kappa.device;

import java.lang.foreign.MemorySegment;

/**
 * Off-heap host memory that the device can copy from and to without staging, and that kernels can
 * read and write directly for small per-step data (CUDA: {@code cuMemHostAlloc}, portable and
 * mapped).
 */
public non-sealed interface HostMemory extends Memory {

  /**
   * Whether kernels can reach it, and copies need no way round; see {@link
   * Device#allocateUnpinned}.
   */
  default boolean isPinned() {
    return true;
  }

  /** The bytes as the host sees them. Contents are undefined until written. */
  MemorySegment segment();
}
