/**
 * Prometheus metrics. Names follow vLLM's, with the prefix {@code kappa_}; those of KV offloading
 * come under vLLM's own prefix, and once more with more detail as {@code kappa_kv_}.
 */
@NullMarked
package dev.kappa.server.metrics;

import org.jspecify.annotations.NullMarked;
