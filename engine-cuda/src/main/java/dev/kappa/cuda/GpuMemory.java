package dev.kappa.cuda;

import static jcuda.driver.JCudaDriver.cuMemGetInfo;

/** How much of the GPU's memory is in use. */
final class GpuMemory {

  private GpuMemory() {}

  /** Bytes that can still be allocated, by the driver's estimate. */
  static long freeBytes(CudaContext context) {
    context.bind();
    long[] free = new long[1];
    long[] total = new long[1];
    context.check("cuMemGetInfo", cuMemGetInfo(free, total));
    return free[0];
  }
}
