/**
 * The virtual-time device: a discrete-event simulation behind the device seam. The real engine runs
 * on it unchanged; its kernels compute nothing, and its kernels and copies take the time that the
 * roofline of a machine gives them. Runs are deterministic by their seed.
 *
 * <p><b>Time.</b> Everything that will happen lies in one {@link dev.kappa.device.virtual.Agenda},
 * and time jumps from one item to the next. Host code takes no time at all. Time passes only while
 * somebody drives the agenda: {@code run} and {@code runUntil} of the device, or any {@code
 * synchronize}.
 *
 * <p><b>One thread.</b> There are no threads; streams, workers and test actions run on whichever
 * thread drives, and only one may use a device at a time. Where a worker's task synchronizes,
 * others run on its stack meanwhile, and it goes on only once they have returned: a worker that
 * must not hold up another does not block.
 *
 * <p><b>Machine.</b> Three things work at the same time, each on one operation after the other, in
 * the order in which operations are ready: the processor, and a copy engine per direction.
 */
@NullMarked
package dev.kappa.device.virtual;

import org.jspecify.annotations.NullMarked;
