package dev.kappa.sample;

/**
 * A logit and an index packed into one long that sorts by rank: the larger logit first, the lower
 * index first among equals.
 */
final class RankKey {

  private RankKey() {}

  static long of(float logit, int index) {
    // Adding +0 turns -0 into +0, which are equal as logits. Flipping the magnitude bits of
    // negative floats makes their integer order the numeric order.
    int bits = Float.floatToRawIntBits(logit + 0f);
    int ascending = bits ^ ((bits >> 31) & Integer.MAX_VALUE);
    return ((long) ~ascending << 32) | index;
  }

  static int index(long key) {
    return (int) key;
  }

  static float logit(long key) {
    int ascending = ~(int) (key >> 32);
    return Float.intBitsToFloat(ascending ^ ((ascending >> 31) & Integer.MAX_VALUE));
  }
}
