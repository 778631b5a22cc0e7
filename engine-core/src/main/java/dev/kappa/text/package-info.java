/**
 * Text to tokens and back, and conversations to prompts. Depends on no other package but the one
 * that reads GGUF files' headers.
 */
@NullMarked
package dev.kappa.text;

import org.jspecify.annotations.NullMarked;
