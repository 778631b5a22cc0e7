/** Checks of the machine and of a model directory, for {@code kappa doctor}. */
@NullMarked
package dev.kappa.cli.doctor;

import org.jspecify.annotations.NullMarked;
