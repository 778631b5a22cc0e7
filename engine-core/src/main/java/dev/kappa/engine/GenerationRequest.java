package dev.kappa.engine;

import dev.kappa.sample.SamplingParams;

/**
 * A prompt to continue.
 *
 * @param id names the request in logs
 * @param prompt token ids; the array is not copied and must not change
 * @param sampling how tokens are chosen and when to stop
 */
public record GenerationRequest(String id, int[] prompt, SamplingParams sampling) {}
