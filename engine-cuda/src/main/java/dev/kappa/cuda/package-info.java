/** NVIDIA GPUs behind the device seam. */
@NullMarked
package dev.kappa.cuda;

import org.jspecify.annotations.NullMarked;
