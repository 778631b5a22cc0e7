/** Tests of the API's parts. */
@NullMarked
package dev.kappa.server.openai;

import org.jspecify.annotations.NullMarked;
