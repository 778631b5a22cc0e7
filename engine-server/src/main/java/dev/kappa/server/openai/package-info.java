/**
 * OpenAI's API: requests are read field by field with their paths, run, and written back in
 * OpenAI's shapes. A field that is not honoured is refused, never ignored.
 */
@NullMarked
package dev.kappa.server.openai;

import org.jspecify.annotations.NullMarked;
