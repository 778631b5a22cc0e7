@NullMarked
package dev.kappa.cli.doctor;

import org.jspecify.annotations.NullMarked;
