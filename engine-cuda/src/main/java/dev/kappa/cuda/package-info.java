/**
 * NVIDIA GPUs behind the device seam. So far {@link dev.kappa.cuda.CudaProvider} finds the driver
 * and reports the GPUs; it opens none.
 */
@NullMarked
package dev.kappa.cuda;

import org.jspecify.annotations.NullMarked;
