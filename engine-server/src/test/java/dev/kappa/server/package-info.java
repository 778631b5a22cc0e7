/** Tests of the server over real sockets. */
@NullMarked
package dev.kappa.server;

import org.jspecify.annotations.NullMarked;
