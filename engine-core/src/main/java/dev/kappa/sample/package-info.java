/** From a row of logits to the next token: sampling parameters, samplers, log probabilities. */
@NullMarked
package dev.kappa.sample;

import org.jspecify.annotations.NullMarked;
