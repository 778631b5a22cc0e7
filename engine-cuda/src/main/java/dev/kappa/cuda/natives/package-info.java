/**
 * Brings JCuda's native libraries and the machine's cuBLAS together: {@link
 * dev.kappa.cuda.natives.JCudaNatives} unpacks and loads the former, {@link
 * dev.kappa.cuda.natives.CublasSearch} finds the latter, whichever version it is.
 */
@NullMarked
package dev.kappa.cuda.natives;

import org.jspecify.annotations.NullMarked;
