package dev.kappa.plan;

import dev.kappa.engine.EngineStats;

/**
 * What became of a trace's requests. Times are milliseconds, of the device's clock.
 *
 * @param finished requests that were served
 * @param tooLong requests that exceed the engine's context and were left out
 * @param failed requests that ended with an error
 * @param durationMillis from the first arrival to the last token
 * @param firstTokenMillis from a request's arrival to its first token
 * @param perTokenMillis between a request's tokens, on average over each request of at least two
 * @param kappa tokens loaded from host memory per token computed
 * @param loadMillis what the link took to copy a request's prefix, of requests that loaded one
 * @param linkUse share of the duration during which the link copied prefixes to the device
 * @param queueBound share of requests that waited longest for others, see {@link
 *     dev.kappa.engine.Finish.Account}
 * @param linkBound share of requests that waited longest for the load of their prefix
 * @param maxModelLength longest context of the engine
 * @param deviceTokens KV tokens on the device
 * @param hostTokens KV tokens in host memory
 * @param stats the engine's own counters at the end
 */
public record Replay(
    int finished,
    int tooLong,
    int failed,
    double durationMillis,
    Distribution firstTokenMillis,
    Distribution perTokenMillis,
    Distribution kappa,
    Distribution loadMillis,
    double linkUse,
    double queueBound,
    double linkBound,
    int maxModelLength,
    long deviceTokens,
    long hostTokens,
    EngineStats stats) {}
