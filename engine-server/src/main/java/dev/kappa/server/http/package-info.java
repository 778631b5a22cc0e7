/**
 * HTTP on Netty, knowing nothing of models: connections, requests read whole, answers at once or as
 * server-sent events, errors as JSON.
 *
 * <p><b>Who owns what.</b> A connection's event loop owns its queue of requests and the state of
 * the {@link dev.kappa.server.http.Exchange} in flight; endpoints run on worker threads and reach
 * it only through the exchange's methods.
 */
@NullMarked
package dev.kappa.server.http;

import org.jspecify.annotations.NullMarked;
