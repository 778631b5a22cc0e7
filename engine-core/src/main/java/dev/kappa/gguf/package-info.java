/**
 * GGUF files: what a header says (metadata and where tensors lie), read from a mapped file and
 * checked against its size. What the metadata mean for a model or a tokenizer, others know.
 *
 * <p><b>Who owns what.</b> A {@link dev.kappa.gguf.GgufFile} belongs to the arena that it was
 * mapped in. Arrays of the metadata stay in the file until they are asked for.
 */
@NullMarked
package dev.kappa.gguf;

import org.jspecify.annotations.NullMarked;
