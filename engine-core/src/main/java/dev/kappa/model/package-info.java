/**
 * Models: {@code config.json} becomes a {@link dev.kappa.model.ModelConfig}, {@code *.safetensors}
 * a {@link dev.kappa.model.Checkpoint}, and {@link dev.kappa.model.Transformer} is the one forward
 * pass that runs them all. An architecture is data (names of tensors and which optional parts are
 * there), never a copy of the forward pass.
 */
@NullMarked
package dev.kappa.model;

import org.jspecify.annotations.NullMarked;
