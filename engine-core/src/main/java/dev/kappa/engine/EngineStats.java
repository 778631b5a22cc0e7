package dev.kappa.engine;

/**
 * Counters since the start and gauges of the moment, as of the last step. Counters only grow.
 *
 * @param running sequences that hold KV blocks
 * @param waiting requests not yet admitted
 * @param usedBlocks KV blocks that running sequences hold
 * @param cachedBlocks free KV blocks that still hold reusable content
 * @param totalBlocks all KV blocks
 * @param steps forward passes
 * @param promptTokens prompt tokens of admitted requests, cached ones included
 * @param cachedPromptTokens prompt tokens reused from the prefix cache
 * @param generatedTokens tokens sampled
 * @param preemptions sequences that lost their blocks to others
 * @param failed whether the engine has stopped for a fault
 */
public record EngineStats(
    int running,
    int waiting,
    int usedBlocks,
    int cachedBlocks,
    int totalBlocks,
    long steps,
    long promptTokens,
    long cachedPromptTokens,
    long generatedTokens,
    long preemptions,
    boolean failed) {}
