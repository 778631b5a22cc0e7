/**
 * NVIDIA GPUs behind the device seam, by the driver API. {@link dev.kappa.cuda.CudaProvider} finds
 * and opens them; a {@code CudaDevice} owns the context and all that works for every stream, a
 * {@code CudaStream} what its own kernels need (argument slots, scratch memory, cuBLAS). The
 * kernels' sources are in {@code src/main/cuda}; their PTX is a resource.
 */
@NullMarked
package dev.kappa.cuda;

import org.jspecify.annotations.NullMarked;
