package dev.kappa.server.openai;

import dev.kappa.engine.Finish;
import dev.kappa.engine.OutputListener.Delta;
import dev.kappa.sample.TokenLogprob;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A choice as it grows: its output since it was last taken. Confined to one thread. */
final class Choice {

  private final int index;
  private StringBuilder text = new StringBuilder();
  private List<Integer> tokens = new ArrayList<>();
  private List<TokenLogprob> logprobs = new ArrayList<>();
  private int tokensSoFar;
  private double logprobSum;
  private long lastNanos;
  private boolean opened;
  private @Nullable Finish finish;

  Choice(int index) {
    this.index = index;
  }

  void append(Delta delta) {
    text.append(delta.text());
    for (int token : delta.tokens()) {
      tokens.add(token);
    }
    logprobs.addAll(delta.logprobs());
    for (TokenLogprob logprob : delta.logprobs()) {
      logprobSum += logprob.logprob();
    }
    tokensSoFar += delta.tokens().length;
  }

  void finish(Finish finish) {
    this.finish = finish;
  }

  @Nullable Finish finish() {
    return finish;
  }

  int index() {
    return index;
  }

  /** When its latest token came; 0 before the first. */
  long lastNanos() {
    return lastNanos;
  }

  void lastNanos(long nanos) {
    lastNanos = nanos;
  }

  int tokensSoFar() {
    return tokensSoFar;
  }

  /** The mean log probability of its tokens, where they came with any; without tokens 0. */
  double meanLogprob() {
    return tokensSoFar == 0 ? 0 : logprobSum / tokensSoFar;
  }

  boolean hasText() {
    return !text.isEmpty();
  }

  boolean hasTokens() {
    return !tokens.isEmpty();
  }

  /** True the first time it is called. */
  boolean open() {
    boolean first = !opened;
    opened = true;
    return first;
  }

  /** The output since the last call, with the end if it is known and asked for. */
  Part take(boolean withFinish) {
    return take(index, withFinish);
  }

  /** The same, with another number for the choice. */
  Part take(int index, boolean withFinish) {
    Part part = new Part(index, text.toString(), tokens, logprobs, withFinish ? finish : null);
    text = new StringBuilder();
    tokens = new ArrayList<>();
    logprobs = new ArrayList<>();
    return part;
  }
}
