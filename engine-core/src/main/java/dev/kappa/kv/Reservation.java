package dev.kappa.kv;

/**
 * What a sequence was given: tokens {@code [0, start)} and {@code [headEnd, resume)} are cached;
 * tokens {@code [start, headEnd)} and those from {@code resume} on are to be computed.
 *
 * @param start first token to compute
 * @param headEnd end of the tokens that are computed although they could have been loaded
 * @param resume where computing goes on after them
 * @param hostTokens how many of the cached tokens come from host memory; if any, the table has a
 *     {@link BlockTable#load} or is streamed
 */
public record Reservation(int start, int headEnd, int resume, int hostTokens) {

  /**
   * One prefix, cached without a gap.
   *
   * @param cached its tokens
   */
  static Reservation of(int cached, int hostTokens) {
    return new Reservation(cached, cached, cached, hostTokens);
  }

  /** Tokens that need not be computed. */
  public int cachedTokens() {
    return start + resume - headEnd;
  }
}
