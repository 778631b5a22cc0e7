package dev.kappa.sample;

/**
 * Natural-log probabilities of one position under the model's full distribution, before temperature
 * and truncation.
 *
 * @param token the chosen (or prompt) token
 * @param logprob its log probability
 * @param rank 1 plus the number of tokens that are more likely
 * @param topTokens the most likely tokens, the likeliest first
 * @param topLogprobs their log probabilities
 */
@SuppressWarnings("ArrayRecordComponent") // made once per token; lists would box each number
public record TokenLogprob(
    int token, float logprob, int rank, int[] topTokens, float[] topLogprobs) {}
