/**
 * Which sequences take part in the next step, and with how many tokens. The scheduler never touches
 * tensors: it moves sequences between waiting and running, reserves their KV blocks through {@link
 * dev.kappa.kv.KvCache}, and says what is to be computed.
 *
 * <p><b>Prefill and decode</b> are one thing here: a sequence has tokens, some of which have their
 * KV computed, and a step computes a chunk of the rest. A decode is a chunk of one.
 */
@NullMarked
package dev.kappa.schedule;

import org.jspecify.annotations.NullMarked;
