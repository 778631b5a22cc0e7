package dev.kappa.cuda;

import dev.kappa.device.DType;
import dev.kappa.device.DeviceMemory;
import dev.kappa.device.Weight;

/** A weight matrix on the GPU: row-major, of the activation type. */
record CudaWeight(DeviceMemory memory, int rows, int columns) implements Weight {

  static CudaWeight of(Weight weight) {
    if (weight instanceof CudaWeight own) {
      return own;
    }
    throw new IllegalArgumentException("not a weight of a CUDA device: " + weight);
  }

  @Override
  public DType dtype() {
    return DType.BF16;
  }

  @Override
  public long bytes() {
    return memory.bytes();
  }

  /** Address of the first row. */
  long address() {
    return memory.address();
  }

  @Override
  public void close() {
    memory.close();
  }
}
