package dev.kappa.cuda;

/**
 * How contexts are cut into the segments that are summed up on their own: by position alone, and
 * exactly as in {@code softmax.cuh}.
 */
final class AttentionSegments {

  static final int NEAR = 512;
  private static final int NEAR_END = 8192;
  private static final int NEAR_SEGMENTS = NEAR_END / NEAR;
  private static final int MIDDLE = 1024;
  private static final int MIDDLE_END = 32768;
  private static final int MIDDLE_SEGMENTS = NEAR_SEGMENTS + (MIDDLE_END - NEAR_END) / MIDDLE;
  private static final int FAR = 2048;

  private AttentionSegments() {}

  /** The segment that a token belongs to. */
  static int of(int token) {
    if (token < NEAR_END) {
      return token / NEAR;
    }
    if (token < MIDDLE_END) {
      return NEAR_SEGMENTS + (token - NEAR_END) / MIDDLE;
    }
    return MIDDLE_SEGMENTS + (token - MIDDLE_END) / FAR;
  }

  /** How many segments the tokens {@code first … last} touch. */
  static int count(int first, int last) {
    return of(last) - of(first) + 1;
  }
}
