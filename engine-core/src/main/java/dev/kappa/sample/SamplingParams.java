package dev.kappa.sample;

import static dev.kappa.sample.InvalidSamplingException.require;

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
 * @param adjustments what is done to logits before temperature and truncation
 * @param includeStop whether the stop string that ended the output is part of the text
 * @param skipSpecialTokens whether the text leaves out special tokens
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
    int promptLogprobs,
    Adjustments adjustments,
    boolean includeStop,
    boolean skipSpecialTokens) {

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
    return builder().temperature(0).maxTokens(maxTokens).build();
  }

  /** The model's own distribution, 16 tokens, nothing else. */
  public static Builder builder() {
    return new Builder();
  }

  /** Describes sampling parameters one by one. Not thread-safe. */
  public static final class Builder {
    private double temperature = 1;
    private int topK;
    private double topP = 1;
    private double minP;
    private @Nullable Long seed;
    private int maxTokens = 16;
    private List<String> stop = List.of();
    private List<Integer> stopTokens = List.of();
    private boolean ignoreEos;
    private int logprobs = -1;
    private int promptLogprobs = -1;
    private Adjustments adjustments = Adjustments.NONE;
    private boolean includeStop;
    private boolean skipSpecialTokens = true;

    private Builder() {}

    public Builder temperature(double value) {
      temperature = value;
      return this;
    }

    public Builder topK(int value) {
      topK = value;
      return this;
    }

    public Builder topP(double value) {
      topP = value;
      return this;
    }

    public Builder minP(double value) {
      minP = value;
      return this;
    }

    public Builder seed(long value) {
      seed = value;
      return this;
    }

    public Builder maxTokens(int value) {
      maxTokens = value;
      return this;
    }

    public Builder stop(List<String> value) {
      stop = value;
      return this;
    }

    public Builder stopTokens(List<Integer> value) {
      stopTokens = value;
      return this;
    }

    public Builder ignoreEos(boolean value) {
      ignoreEos = value;
      return this;
    }

    public Builder logprobs(int value) {
      logprobs = value;
      return this;
    }

    public Builder promptLogprobs(int value) {
      promptLogprobs = value;
      return this;
    }

    public Builder adjustments(Adjustments value) {
      adjustments = value;
      return this;
    }

    public Builder includeStop(boolean value) {
      includeStop = value;
      return this;
    }

    public Builder skipSpecialTokens(boolean value) {
      skipSpecialTokens = value;
      return this;
    }

    /** What was described, the rest as {@link #builder} says. */
    public SamplingParams build() {
      return new SamplingParams(
          temperature,
          topK,
          topP,
          minP,
          seed,
          maxTokens,
          stop,
          stopTokens,
          ignoreEos,
          logprobs,
          promptLogprobs,
          adjustments,
          includeStop,
          skipSpecialTokens);
    }
  }
}
