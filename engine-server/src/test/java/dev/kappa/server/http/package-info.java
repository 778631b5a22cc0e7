@NullMarked
package dev.kappa.server.http;

import org.jspecify.annotations.NullMarked;
