package dev.kappa.cuda;

import static jcuda.driver.JCudaDriver.cuMemGetInfo;

/** How much of the GPU's memory is in use. */
final class GpuMemory {

  private GpuMemory() {}

  /** Bytes that can still be allocated, by the driver's estimate. */
  static long freeBytes(CudaContext context) {
    return ask(context)[0];
  }

  /** Bytes that the GPU has. */
  static long totalBytes(CudaContext context) {
    return ask(context)[1];
  }

  private static long[] ask(CudaContext context) {
    context.bind();
    long[] free = new long[1];
    long[] total = new long[1];
    context.check("cuMemGetInfo", cuMemGetInfo(free, total));
    return new long[] {free[0], total[0]};
  }
}
