package dev.kappa.kv;

/**
 * What the cache holds of a sequence's prefix, as of a moment.
 *
 * @param deviceTokens tokens on the device, or that nobody sees any more
 * @param hostTokens tokens that would be loaded from host memory
 * @param hostBytes bytes that would be loaded
 * @param producedTokens tokens behind these that another sequence is computing or loading
 * @param awaited index of the first block of these, or -1
 */
public record Outlook(
    int deviceTokens, int hostTokens, long hostBytes, int producedTokens, int awaited) {

  /** Tokens that need not be computed, less those that another sequence has not produced yet. */
  public int cachedTokens() {
    return deviceTokens + hostTokens;
  }

  /** Whether waiting for another sequence would bring more. */
  public boolean awaits() {
    return awaited >= 0;
  }
}
