/** How the command line shows things to people. */
@NullMarked
package dev.kappa.cli.show;

import org.jspecify.annotations.NullMarked;
