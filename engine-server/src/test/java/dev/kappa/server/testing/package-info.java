/** A scripted engine and clients for the server's tests. */
@NullMarked
package dev.kappa.server.testing;

import org.jspecify.annotations.NullMarked;
