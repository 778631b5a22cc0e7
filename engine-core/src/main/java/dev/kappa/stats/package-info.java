/** Distributions that one thread fills while others read them. Depends on nothing. */
@NullMarked
package dev.kappa.stats;

import org.jspecify.annotations.NullMarked;
