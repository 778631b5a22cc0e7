@NullMarked
package dev.kappa.cli.show;

import org.jspecify.annotations.NullMarked;
