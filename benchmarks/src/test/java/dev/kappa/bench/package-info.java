@NullMarked
package dev.kappa.bench;

import org.jspecify.annotations.NullMarked;
