/**
 * The HTTP server with its OpenAI-style API.
 *
 * <p><b>Layers.</b> {@code http} carries requests and answers, {@code openai} gives them meaning,
 * {@code metrics} counts, {@code backend} is the engine as seen from here; this package puts them
 * together.
 */
@NullMarked
package dev.kappa.server;

import org.jspecify.annotations.NullMarked;
