package dev.kappa.device;

import java.lang.foreign.MemorySegment;

/**
 * One processor with its memory. Thread-safe, except that streams and kernels are submitted to by
 * one thread per stream. Close it last, after everything that came from it.
 */
public interface Device extends AutoCloseable {

  DeviceInfo info();

  /** The time that events are measured in. */
  Clock clock();

  /** The operations of the forward pass. */
  Kernels kernels();

  /**
   * Device memory, 64-byte aligned ({@code cuMemAlloc}).
   *
   * @throws DeviceException if there is not enough; nothing is held then
   */
  DeviceMemory allocate(long bytes);

  /**
   * Host memory for asynchronous copies, page aligned ({@code cuMemHostAlloc}).
   *
   * @throws DeviceException if there is not enough or it cannot be pinned; nothing is held then
   */
  HostMemory allocateHost(long bytes);

  /**
   * Host memory for copies alone, page aligned, for where the system does not let it be pinned: no
   * kernel can reach it, and copies take longer, though they hold up whoever submits them no more
   * than others. Where nothing needs to be pinned it is as any.
   *
   * @throws DeviceException if there is not enough; nothing is held then
   */
  default HostMemory allocateUnpinned(long bytes) {
    return allocateHost(bytes);
  }

  /**
   * Loads a matrix; blocks until the source is no longer needed. A device that computes nothing
   * never asks for the source's bytes.
   *
   * @throws DeviceException if there is not enough memory
   */
  Weight loadWeight(MatrixSource source);

  /** How this device keeps a weight's elements that a source has in some encoding. */
  default Encoding keeps(Encoding source) {
    return source;
  }

  /**
   * Loads a vector (norm weights, biases, tables) as 32-bit floats; blocks until the source is no
   * longer needed.
   *
   * @throws DeviceException if there is not enough memory
   */
  DeviceMemory loadVector(DType dtype, MemorySegment source);

  Stream newStream(String name);

  Event newEvent();

  /** A worker that sleeps until it is first signalled. Close it before the device. */
  Worker newWorker(String name, Worker.Task task);

  /** Bytes of device memory that can still be allocated, by the system's own estimate. */
  long freeBytes();

  /** Bytes of host memory that can still be allocated, by the system's own estimate. */
  long freeHostBytes();

  /** Bytes handed out and not closed: device memory, host memory and weights. For leak checks. */
  long allocatedBytes();

  @Override
  void close();
}
