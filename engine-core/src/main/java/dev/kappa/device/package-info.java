/**
 * The seam between the engine and whatever computes: memory, streams, events, kernels and a clock.
 *
 * <p><b>Who owns what.</b> The caller owns every {@link dev.kappa.device.Memory}, {@link
 * dev.kappa.device.Stream}, {@link dev.kappa.device.Event} and {@link dev.kappa.device.Weight} it
 * asks a {@link dev.kappa.device.Device} for, and closes it. The device owns the threads or the
 * driver context behind them.
 *
 * <p><b>Asynchrony.</b> Everything put on a stream runs later, in order within the stream and in no
 * order between streams except where an event says so. Nothing here blocks the caller but the
 * methods named {@code synchronize}.
 */
@NullMarked
package dev.kappa.device;

import org.jspecify.annotations.NullMarked;
