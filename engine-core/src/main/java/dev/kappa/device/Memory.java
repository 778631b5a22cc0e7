package dev.kappa.device;

/**
 * A contiguous range of device or host memory. Closing releases it; a slice does not own its bytes
 * and its {@code close} does nothing. Using memory after its owner was closed is undefined, so the
 * owner first synchronizes every stream that may still touch it.
 */
public sealed interface Memory extends AutoCloseable permits DeviceMemory, HostMemory {

  /** Address of the first byte in the space that the device's kernels see. */
  long address();

  /** Size in bytes. */
  long bytes();

  @Override
  void close();

  /**
   * Checks a range before it goes to a stream.
   *
   * @throws IndexOutOfBoundsException if {@code [offset, offset + length)} leaves this memory
   */
  default void checkRange(long offset, long length) {
    if (offset < 0 || length < 0 || offset > bytes() - length) {
      throw new IndexOutOfBoundsException(
          "range [%d, +%d) leaves memory of %d bytes".formatted(offset, length, bytes()));
    }
  }
}
