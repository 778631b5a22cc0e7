package dev.kappa.server.openai;

import org.jspecify.annotations.Nullable;

/**
 * One prompt of a request.
 *
 * @param tokens what the model sees
 * @param text what the client wrote; null where it sent tokens
 */
// Never compared: the array is only carried along.
@SuppressWarnings("ArrayRecordComponent")
record Prompt(int[] tokens, @Nullable String text) {}
