/**
 * Checks a device's kernels and copies against another device on random inputs, and times them.
 * Knows the seam only. Inputs are numbers that every device holds exactly, so that results differ
 * by arithmetic alone. Each check owns what it takes from the two devices, and gives it back.
 */
@NullMarked
package dev.kappa.device.check;

import org.jspecify.annotations.NullMarked;
