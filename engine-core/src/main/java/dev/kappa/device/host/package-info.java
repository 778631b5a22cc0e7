/**
 * What devices share of the machine they run on: memory outside the heap, what the system says
 * about itself, and threads. Whoever allocates {@link dev.kappa.device.host.Pages} owns them.
 */
@NullMarked
package dev.kappa.device.host;

import org.jspecify.annotations.NullMarked;
