package dev.kappa.sample;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * How a request's tokens are chosen and when it ends.
 *
 * @param temperature 0 takes the most likely token; otherwise logits are divided by it
 * @param topK only so many most likely tokens are candidates; 0 for all
 * @param topP only the most likely tokens that together reach this probability are candidates
 * @param minP only tokens at least this likely, relative to the most likely one, are candidates
 * @param seed makes the choice reproducible whatever else is in the batch; null picks one
 * @param maxTokens most tokens to generate; 0 only computes the prompt
 * @param stop strings that end the generation; they are not part of the text
 * @param stopTokens tokens that end the generation besides the model's own
 * @param ignoreEos whether the model's end-of-sequence tokens are ordinary tokens
 * @param logprobs how many most likely tokens to report with each token's own log probability; -1
 *     reports none
 * @param promptLogprobs the same for prompt tokens
 */
public record SamplingParams(
    double temperature,
    int topK,
    double topP,
    double minP,
    @Nullable Long seed,
    int maxTokens,
    List<String> stop,
    List<Integer> stopTokens,
    boolean ignoreEos,
    int logprobs,
    int promptLogprobs) {

  public SamplingParams {
    stop = List.copyOf(stop);
    stopTokens = List.copyOf(stopTokens);
    require(temperature >= 0 && temperature <= 2, "temperature", "between 0 and 2");
    require(topK >= 0, "top_k", "0 or more");
    require(topP > 0 && topP <= 1, "top_p", "above 0 and at most 1");
    require(minP >= 0 && minP <= 1, "min_p", "between 0 and 1");
    require(maxTokens >= 0, "max_tokens", "0 or more");
    require(logprobs >= -1, "logprobs", "0 or more");
    require(promptLogprobs >= -1, "prompt_logprobs", "0 or more");
    require(stop.stream().noneMatch(String::isEmpty), "stop", "strings that are not empty");
  }

  /** Greedy decoding of at most so many tokens. */
  public static SamplingParams greedy(int maxTokens) {
    return new SamplingParams(0, 0, 1, 0, null, maxTokens, List.of(), List.of(), false, -1, -1);
  }

  private static void require(boolean holds, String parameter, String expected) {
    if (!holds) {
      throw new InvalidSamplingException(parameter, parameter + " must be " + expected);
    }
  }
}
