package dev.kappa.model;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a model's authors say about generating with it; null where they say nothing.
 *
 * @param eosTokens tokens that end a generation
 * @param bosToken token that begins a text
 * @param sample whether to sample; false takes the most likely token
 * @param temperature divisor of the logits
 * @param topK number of candidates; 0 for all, which a negative number is read as
 * @param topP probability that candidates reach together
 * @param minP least probability of a candidate, relative to the best
 * @param repetitionPenalty divisor of the logits of tokens already present; 1 for none
 * @param maxNewTokens tokens to generate if a request does not say
 */
public record GenerationDefaults(
    List<Integer> eosTokens,
    @Nullable Integer bosToken,
    @Nullable Boolean sample,
    @Nullable Double temperature,
    @Nullable Integer topK,
    @Nullable Double topP,
    @Nullable Double minP,
    @Nullable Double repetitionPenalty,
    @Nullable Integer maxNewTokens) {

  public GenerationDefaults {
    // -1 is how vLLM, and files made for it, say all.
    topK = topK == null ? null : (Integer) Math.max(0, topK);
    eosTokens = List.copyOf(eosTokens);
  }
}
