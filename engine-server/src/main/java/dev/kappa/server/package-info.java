/** HTTP server with an OpenAI-style API. */
@NullMarked
package dev.kappa.server;

import org.jspecify.annotations.NullMarked;
