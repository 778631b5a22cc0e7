/** Text to tokens and back, and conversations to prompts. Depends on no other package. */
@NullMarked
package dev.kappa.text;

import org.jspecify.annotations.NullMarked;
