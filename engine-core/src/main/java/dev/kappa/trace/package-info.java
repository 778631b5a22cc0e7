/**
 * Writes what happened when as a trace that Perfetto and Chrome show. Depends on nothing else of
 * Kappa.
 *
 * <p><b>Who owns what.</b> A {@link dev.kappa.trace.TraceFile} owns its file and the thread that
 * writes it; everyone else hands over events and goes on.
 */
@NullMarked
package dev.kappa.trace;

import org.jspecify.annotations.NullMarked;
