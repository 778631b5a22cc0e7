/**
 * Kernels alone, measured against what the machine can do. {@link
 * dev.kappa.bench.kernels.KernelReport} runs all of it and prints fractions of the limits measured
 * in the same run.
 */
@NullMarked
package dev.kappa.bench.kernels;

import org.jspecify.annotations.NullMarked;
