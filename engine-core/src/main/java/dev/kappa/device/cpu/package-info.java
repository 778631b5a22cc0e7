/**
 * The CPU device: kernels written with the Vector API, streams as threads, weights packed once into
 * the layout that both prefill and decode read.
 *
 * <p><b>Exactness.</b> A row's bits depend on its own values only: every output of a matrix product
 * is one chain of fused multiply-adds over the inputs in order; softmax runs over tiles and
 * segments at absolute positions; every other sum has sixteen partial sums, whatever the vector
 * width. So results do not change with batch, chunking, threads, vector width or the JIT compiler's
 * state.
 *
 * <p><b>Addresses.</b> Kernels work on raw addresses through one view of the whole address space
 * ({@link dev.kappa.device.cpu.Raw}); ranges are checked once, when a kernel is submitted.
 */
@NullMarked
package dev.kappa.device.cpu;

import org.jspecify.annotations.NullMarked;
