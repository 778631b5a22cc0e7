/**
 * The library's public face: {@link dev.kappa.engine.Engine} takes requests and streams tokens.
 *
 * <p><b>Who owns what.</b> One engine thread owns the scheduler, the KV blocks and every sequence;
 * other threads reach it only by {@code submit} and {@code cancel}, which put messages in a queue.
 */
@NullMarked
package dev.kappa.engine;

import org.jspecify.annotations.NullMarked;
