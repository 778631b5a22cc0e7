/**
 * Copies between host and device, one {@link dev.kappa.kv.transfer.Lane} per direction: what is
 * copied next, how much is in flight, how long it took.
 *
 * <p><b>Who owns what.</b> A lane owns its stream, its events and every {@link
 * dev.kappa.kv.transfer.Transfer} from submission until it is settled. Its worker feeds the stream;
 * the engine thread submits, cancels and settles. Nothing here knows what the bytes are.
 */
@NullMarked
package dev.kappa.kv.transfer;

import org.jspecify.annotations.NullMarked;
