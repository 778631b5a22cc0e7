package dev.kappa.engine;

import dev.kappa.sample.SamplingParams;

/**
 * A prompt to continue.
 *
 * @param id names the request in logs
 * @param prompt token ids; the array is not copied and must not change
 * @param sampling how tokens are chosen and when to stop
 * @param cacheSalt separates caches: requests with different salts never share KV; empty for none
 */
public record GenerationRequest(
    String id, int[] prompt, SamplingParams sampling, String cacheSalt) {

  /** A request that shares KV with all others that have no salt. */
  public GenerationRequest(String id, int[] prompt, SamplingParams sampling) {
    this(id, prompt, sampling, "");
  }
}
