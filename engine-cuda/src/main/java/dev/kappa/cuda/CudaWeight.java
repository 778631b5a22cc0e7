package dev.kappa.cuda;

import dev.kappa.device.DeviceMemory;
import dev.kappa.device.Weight;

/** Weight matrices on the GPU, one behind the other: row-major, of the activation type. */
record CudaWeight(DeviceMemory memory, int matrices, int rows, int columns) implements Weight {

  static CudaWeight of(Weight weight) {
    if (weight instanceof CudaWeight own) {
      return own;
    }
    throw new IllegalArgumentException("not a weight of a CUDA device: " + weight);
  }

  /** One matrix on the GPU. */
  static CudaWeight single(Weight weight) {
    CudaWeight own = of(weight);
    if (own.matrices != 1) {
      throw new IllegalArgumentException(own.matrices + " matrices where one is expected");
    }
    return own;
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
