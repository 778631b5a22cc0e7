/** How plans are shown. */
@NullMarked
package dev.kappa.cli.plan;

import org.jspecify.annotations.NullMarked;
