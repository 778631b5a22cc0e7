@NullMarked
package dev.kappa.cli;

import org.jspecify.annotations.NullMarked;
