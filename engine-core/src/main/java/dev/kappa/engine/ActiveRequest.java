package dev.kappa.engine;

import dev.kappa.kv.Load;
import dev.kappa.sample.LogitsAdjuster;
import dev.kappa.sample.SamplingParams;
import dev.kappa.sample.TokenLogprob;
import dev.kappa.schedule.Sequence;
import dev.kappa.text.TokenDecoder;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A request in work: its sequence, and its output on the way to the listener. Owned by the engine
 * thread.
 */
final class ActiveRequest {

  private final GenerationRequest request;
  private final OutputListener listener;
  private final Sequence sequence;
  private final TokenDecoder decoder;
  private final StopStrings stops;
  private final Set<Integer> endTokens;
  private final @Nullable LogitsAdjuster adjuster;
  private final long seed;
  private final long submittedNanos;

  private final PromptTimes times = new PromptTimes();
  private final List<TokenLogprob> promptLogprobs = new ArrayList<>();
  private long number;
  private boolean started;
  private long startedNanos;
  private long firstTokenNanos;
  private int generated;
  private Finish.@Nullable Reason reason;
  private boolean ended;
  private @Nullable Finish finished;

  /**
   * @param endTokens tokens that end the output and are no part of it
   * @param adjuster what the request does to its logits; null for nothing
   * @param seed decides the request's random choices
   */
  ActiveRequest(
      GenerationRequest request,
      OutputListener listener,
      Sequence sequence,
      TokenDecoder decoder,
      Set<Integer> endTokens,
      @Nullable LogitsAdjuster adjuster,
      long seed,
      long submittedNanos) {
    this.request = request;
    this.listener = listener;
    this.sequence = sequence;
    this.decoder = decoder;
    this.endTokens = endTokens;
    this.adjuster = adjuster;
    this.seed = seed;
    this.submittedNanos = submittedNanos;
    stops = new StopStrings(request.sampling().stop(), request.sampling().includeStop());
  }

  String id() {
    return request.id();
  }

  /** Its place in the order of arrival. */
  long number() {
    return number;
  }

  void number(long value) {
    number = value;
  }

  long submittedNanos() {
    return submittedNanos;
  }

  /** How it ended; null if it has not, or with an error. */
  @Nullable Finish finished() {
    return finished;
  }

  SamplingParams sampling() {
    return request.sampling();
  }

  Sequence sequence() {
    return sequence;
  }

  /** What it does to its logits; null for nothing. */
  @Nullable LogitsAdjuster adjuster() {
    return adjuster;
  }

  long seed() {
    return seed;
  }

  /** What the way to its first token takes. */
  PromptTimes times() {
    return times;
  }

  /** Tokens generated so far; the index of the next one. */
  int generated() {
    return generated;
  }

  /** Why the output has ended; null while it goes on. */
  Finish.@Nullable Reason reason() {
    return reason;
  }

  /** Whether the prompt alone is wanted. */
  boolean promptOnly() {
    return sampling().maxTokens() == 0;
  }

  /** Whether the next token can be chosen without its whole row of logits. */
  boolean takesArgmax() {
    return adjuster == null && sampling().temperature() == 0 && sampling().logprobs() < 0;
  }

  /**
   * Whether the logits at a position are still wanted for the log probability of the prompt token
   * after it. A preempted request computes positions again that it has reported.
   */
  boolean wantsPromptLogprob(int position) {
    return sampling().promptLogprobs() >= 0
        && position >= promptLogprobs.size()
        && position < sequence.promptLength() - 1;
  }

  /** Notes that the request takes part in a step; returns whether it is its first. */
  boolean start(long now) {
    if (started) {
      return false;
    }
    started = true;
    startedNanos = now;
    return true;
  }

  void addPromptLogprob(TokenLogprob logprob) {
    promptLogprobs.add(logprob);
    if (promptLogprobs.size() == sequence.promptLength() - 1) {
      listener.onPromptLogprobs(List.copyOf(promptLogprobs));
    }
  }

  /** Takes a sampled token: passes its text on and notes whether it ends the output. */
  void accept(int token, @Nullable TokenLogprob logprob, long now) {
    if (generated++ == 0) {
      firstTokenNanos = now;
    }
    if (endTokens.contains(token)) {
      reason = Finish.Reason.STOP;
      return;
    }
    sequence.append(token);
    if (adjuster != null) {
      adjuster.accept(token);
    }
    boolean early = generated <= sampling().adjustments().minTokens();
    String decoded = decoder.append(token);
    String text = early ? decoded : stops.append(decoded);
    if (stops.found() != null || (adjuster != null && adjuster.mustEnd())) {
      reason = Finish.Reason.STOP;
    } else if (generated == sampling().maxTokens() || sequence.length() == sequence.maxLength()) {
      reason = Finish.Reason.LENGTH;
    }
    List<TokenLogprob> logprobs = logprob == null ? List.of() : List.of(logprob);
    listener.onDelta(new OutputListener.Delta(text, new int[] {token}, logprobs));
  }

  /**
   * Ends the request towards its listener.
   *
   * @param kappaCritical see {@link Finish.Account}
   */
  void finish(Finish.Reason why, long now, double kappaCritical) {
    String rest = stops.append(decoder.finish());
    rest = stops.found() == null ? rest + stops.finish() : rest;
    // The decoder's last piece may have completed a stop string.
    boolean stopped = why == Finish.Reason.LENGTH && stops.found() != null;
    Finish.Reason last = stopped ? Finish.Reason.STOP : why;
    reason = last;
    if (!rest.isEmpty()) {
      listener.onDelta(new OutputListener.Delta(rest, new int[0], List.of()));
    }
    int cached = Math.max(0, sequence.cachedPrompt());
    Finish.Usage usage =
        new Finish.Usage(sequence.promptLength(), generated, cached, sequence.hostPrompt());
    long first = generated == 0 ? 0 : firstTokenNanos - submittedNanos;
    Finish.Timings timings =
        new Finish.Timings(
            (started ? startedNanos : now) - submittedNanos,
            first,
            now - submittedNanos,
            sequence.preemptions());
    long untilFirst = generated == 0 ? timings.total() : first;
    Finish.Account account = times.close(kappaCritical, sequence.restored(), untilFirst);
    ended = true;
    Finish end = new Finish(last, stops.found(), usage, timings, restored(), account);
    finished = end;
    listener.onFinish(end);
  }

  private Finish.Restored restored() {
    Load load = sequence.restored();
    if (load == null) {
      return Finish.Restored.NOTHING;
    }
    return new Finish.Restored(
        load.blocks(),
        load.bytes(),
        load.copyNanos(),
        started ? startedNanos - load.startNanos() : 0,
        load.predictedStallNanos(),
        load.stallNanos());
  }

  /** Ends the request with an error towards its listener, unless that has heard of an end. */
  void fail(EngineException error) {
    if (ended) {
      return;
    }
    ended = true;
    reason = Finish.Reason.ABORT;
    listener.onError(error);
  }
}
