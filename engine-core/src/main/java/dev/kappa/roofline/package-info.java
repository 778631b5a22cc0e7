/**
 * What hardware could do at best with a model: times of loading and of computing, and κ_crit, where
 * the two are equal. Pure arithmetic; depends on nothing else of Kappa.
 */
@NullMarked
package dev.kappa.roofline;

import org.jspecify.annotations.NullMarked;
