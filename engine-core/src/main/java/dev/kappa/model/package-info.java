/**
 * Models: {@code config.json} becomes a {@link dev.kappa.model.ModelConfig}, {@code *.safetensors}
 * a {@link dev.kappa.model.Checkpoint}, a GGUF file both of them, and {@link
 * dev.kappa.model.Transformer} is the one forward pass that runs them all. An {@link
 * dev.kappa.model.Architecture} is data (names of tensors and which optional parts are there),
 * never a copy of the forward pass.
 *
 * <p><b>Who owns what.</b> A {@link dev.kappa.model.ModelDirectory} is a value and holds nothing
 * open. Whoever asks it for a checkpoint closes that; the checkpoint owns the mapped files. Tensors
 * that are made on demand live in the arena of the caller.
 */
@NullMarked
package dev.kappa.model;

import org.jspecify.annotations.NullMarked;
