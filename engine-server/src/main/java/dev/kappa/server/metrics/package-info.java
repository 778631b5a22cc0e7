/**
 * Prometheus metrics. Names follow vLLM's, with the prefix {@code kappa_}; those of KV offloading
 * come with more detail as {@code kappa_kv_}, and on a path of their own under vLLM's prefix.
 */
@NullMarked
package dev.kappa.server.metrics;

import org.jspecify.annotations.NullMarked;
