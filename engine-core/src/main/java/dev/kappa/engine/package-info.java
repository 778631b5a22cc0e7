/**
 * The library's public face: {@link dev.kappa.engine.Engine} takes requests and streams tokens.
 *
 * <p><b>Who owns what.</b> One engine thread owns the scheduler, the KV blocks, every sequence and
 * its way from tokens to text. Other threads reach it only by {@code submit}, {@code cancel} and
 * {@code close}, which put commands in its queue.
 */
@NullMarked
package dev.kappa.engine;

import org.jspecify.annotations.NullMarked;
