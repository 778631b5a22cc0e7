@NullMarked
package dev.kappa.stats;

import org.jspecify.annotations.NullMarked;
