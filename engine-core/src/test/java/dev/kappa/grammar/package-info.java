@NullMarked
package dev.kappa.grammar;

import org.jspecify.annotations.NullMarked;
