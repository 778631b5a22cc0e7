/** What the server needs of an engine, so that it can be tested without one. */
@NullMarked
package dev.kappa.server.backend;

import org.jspecify.annotations.NullMarked;
