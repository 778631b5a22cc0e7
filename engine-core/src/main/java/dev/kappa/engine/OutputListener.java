package dev.kappa.engine;

import dev.kappa.sample.TokenLogprob;
import java.util.List;

/**
 * Receives a request's output. Called on the engine thread in order, possibly before {@link
 * Engine#submit} has returned, and must return quickly; ends with exactly one {@link #onFinish} or
 * {@link #onError}. A listener that throws ends its own request, with {@link #onError}.
 */
public interface OutputListener {

  /**
   * Log probabilities of the prompt's tokens from the second on, before the first delta; only where
   * the request asked for them. The first token has none.
   */
  default void onPromptLogprobs(List<TokenLogprob> logprobs) {}

  /** New output. Text is held back while it may be half a character or part of a stop string. */
  void onDelta(Delta delta);

  /** The request is done; nothing follows. */
  void onFinish(Finish finish);

  /** The request failed; nothing follows. */
  void onError(EngineException error);

  /**
   * A piece of output.
   *
   * @param text whole characters, possibly none
   * @param tokens the tokens since the last delta, end-of-sequence and stop tokens left out
   * @param logprobs one entry per token where asked for, else empty
   */
  record Delta(String text, int[] tokens, List<TokenLogprob> logprobs) {}
}
