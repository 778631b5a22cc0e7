@NullMarked
package dev.kappa.server.backend;

import org.jspecify.annotations.NullMarked;
