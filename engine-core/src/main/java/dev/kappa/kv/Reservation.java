package dev.kappa.kv;

/**
 * What a sequence was given.
 *
 * @param cachedTokens leading tokens that need not be computed
 * @param hostTokens how many of these come from host memory; if any, the table has a {@link
 *     BlockTable#load} or is streamed
 */
public record Reservation(int cachedTokens, int hostTokens) {}
