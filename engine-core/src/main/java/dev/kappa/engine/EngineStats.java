package dev.kappa.engine;

import dev.kappa.kv.KvStats;
import dev.kappa.roofline.MeasuredRates;

/**
 * Counters since the start and gauges of the moment, as of the last step. Counters only grow.
 *
 * @param running sequences that hold KV blocks
 * @param waiting requests not yet admitted
 * @param deferred how many of these wait for a prefix that other requests are producing, not for
 *     room
 * @param kv KV blocks in all tiers, and copies between them
 * @param steps forward passes
 * @param promptTokens tokens of prompts computed to their end, cached ones included
 * @param cachedPromptTokens prompt tokens reused from the prefix cache
 * @param hostPromptTokens how many of these came from host memory
 * @param generatedTokens tokens sampled
 * @param preemptions sequences that lost their blocks to others
 * @param rates how fast steps and link are, by all that ran so far
 * @param failed whether the engine has stopped for a fault
 */
public record EngineStats(
    int running,
    int waiting,
    int deferred,
    KvStats kv,
    long steps,
    long promptTokens,
    long cachedPromptTokens,
    long hostPromptTokens,
    long generatedTokens,
    long preemptions,
    MeasuredRates rates,
    boolean failed) {}
