/**
 * A GPU for tests: {@link dev.kappa.cuda.sim.SimulatedCuda} builds a driver library, a cuBLAS and
 * the project's kernels for the CPU with g++ (sources in {@code src/test/cuda-sim}) and loads them.
 * There is one simulation in a JVM; who runs tests on it owns it and resets it between tests.
 */
@NullMarked
package dev.kappa.cuda.sim;

import org.jspecify.annotations.NullMarked;
