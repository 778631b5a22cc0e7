/** Measurements of the whole engine, for {@code kappa bench}. */
@NullMarked
package dev.kappa.bench;

import org.jspecify.annotations.NullMarked;
