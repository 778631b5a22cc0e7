package dev.kappa.device;

/**
 * Memory that kernels compute in (CUDA: {@code cuMemAlloc}). Its contents are undefined until
 * written; the host reaches them only by copies on a stream.
 */
public non-sealed interface DeviceMemory extends Memory {

  /**
   * A non-owning view of {@code bytes} bytes from {@code offset}.
   *
   * @throws IndexOutOfBoundsException if the range leaves this memory
   */
  DeviceMemory slice(long offset, long bytes);
}
