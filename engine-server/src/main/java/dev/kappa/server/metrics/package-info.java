/** Prometheus metrics. Names follow vLLM's, with the prefix {@code kappa_}. */
@NullMarked
package dev.kappa.server.metrics;

import org.jspecify.annotations.NullMarked;
