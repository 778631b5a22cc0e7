/**
 * What to expect of a model, a machine and a workload before there is any of them: arithmetic over
 * the roofline, and a replay of request traces by the real engine in virtual time. Deterministic;
 * owns no state beyond a call.
 */
@NullMarked
package dev.kappa.plan;

import org.jspecify.annotations.NullMarked;
