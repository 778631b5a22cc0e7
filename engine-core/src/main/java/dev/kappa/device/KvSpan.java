package dev.kappa.device;

/**
 * Consecutive tokens of one sequence's context, see {@link Kernels#attentionSpan}.
 *
 * @param first position of the first token; a multiple of {@link Kernels#attentionTile} and of the
 *     tokens in a block
 * @param tokens how many there are; a multiple of {@link Kernels#attentionTile} unless the context
 *     ends with this span
 * @param staged whether the span's blocks lie one after the other from the start of the layer's
 *     pool; otherwise the batch's block table tells, by the blocks' places in the whole context
 */
public record KvSpan(int first, int tokens, boolean staged) {

  public KvSpan {
    if (first < 0 || tokens <= 0) {
      throw new IllegalArgumentException("a span of " + tokens + " tokens from " + first);
    }
  }

  /** Position behind the last token. */
  public int end() {
    return first + tokens;
  }
}
