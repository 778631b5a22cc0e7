package dev.kappa.engine;

import dev.kappa.device.Clock;
import dev.kappa.sample.BadLogitsException;
import dev.kappa.sample.InvalidSamplingException;
import dev.kappa.sample.LogitsAdjuster;
import dev.kappa.sample.Logprobs;
import dev.kappa.sample.Sampler;
import dev.kappa.sample.TokenLogprob;
import dev.kappa.schedule.Scheduler;
import dev.kappa.schedule.Sequence;
import dev.kappa.schedule.StepPlan;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The requests in work: their way from rows of logits to tokens and listeners, and their ends. What
 * goes wrong with one request's output ends that request alone. Confined to the engine thread.
 */
final class ActiveRequests implements StepRunner.RowSink {

  private static final Logger LOG = System.getLogger(ActiveRequests.class.getName());

  private final IdentityHashMap<Sequence, ActiveRequest> active = new IdentityHashMap<>();
  private final Scheduler scheduler;
  private final Clock clock;
  private final Rates rates;
  private final @Nullable Tracer tracer;
  private final Sampler sampler;
  private final Logprobs logprobs;
  private long requests;
  private final List<Sequence> adjusted = new ArrayList<>();
  private long promptTokens;
  private long cachedPromptTokens;
  private long hostPromptTokens;
  private long generatedTokens;

  /**
   * @param tracer is told of requests; null if nobody is
   */
  ActiveRequests(
      Scheduler scheduler, Clock clock, Rates rates, @Nullable Tracer tracer, int vocabulary) {
    this.scheduler = scheduler;
    this.clock = clock;
    this.rates = rates;
    this.tracer = tracer;
    sampler = new Sampler(vocabulary);
    logprobs = new Logprobs(vocabulary);
  }

  boolean isEmpty() {
    return active.isEmpty();
  }

  /** Tokens of prompts that were computed to their end. */
  long promptTokens() {
    return promptTokens;
  }

  /** How many of these were cached. */
  long cachedPromptTokens() {
    return cachedPromptTokens;
  }

  /** How many of these came from host memory. */
  long hostPromptTokens() {
    return hostPromptTokens;
  }

  long generatedTokens() {
    return generatedTokens;
  }

  /** Starts work on a request. */
  void add(ActiveRequest request) {
    active.put(request.sequence(), request);
    scheduler.add(request.sequence());
    request.number(requests++);
    if (tracer != null) {
      tracer.submitted(request);
    }
  }

  /** Ends a request early; does nothing if it has ended. */
  void cancel(ActiveRequest request) {
    if (active.containsKey(request.sequence())) {
      end(request, () -> finish(request, Finish.Reason.ABORT));
    }
  }

  /** Ends all requests early. */
  void cancelAll() {
    List.copyOf(active.values()).forEach(this::cancel);
  }

  /** Ends the request of a sequence with an error; does nothing if it has ended. */
  void fail(Sequence sequence, EngineException error) {
    ActiveRequest request = active.get(sequence);
    if (request != null) {
      end(request, () -> request.fail(error));
    }
  }

  /** Ends all requests with an error; what goes wrong with the books is thrown at the end. */
  void failAll(EngineException error) {
    RuntimeException thrown = null;
    for (Sequence sequence : List.copyOf(active.keySet())) {
      try {
        fail(sequence, error);
      } catch (RuntimeException e) {
        thrown = e;
      }
    }
    if (thrown != null) {
      throw thrown;
    }
  }

  /** Tells a request's listener of an error, unless it has heard of an end. */
  static void tell(ActiveRequest request, EngineException error) {
    try {
      request.fail(error);
    } catch (RuntimeException | Error e) {
      LOG.log(Level.WARNING, "request " + request.id() + ": its listener failed", e);
    }
  }

  private static EngineException invalid(InvalidSamplingException cause) {
    return new EngineException(
        EngineException.Kind.INVALID_REQUEST,
        cause.parameter(),
        String.valueOf(cause.getMessage()));
  }

  static EngineException internal(Throwable cause) {
    return new EngineException(
        EngineException.Kind.INTERNAL, String.valueOf(cause.getMessage()), cause);
  }

  @Override
  public StepRunner.Want want(StepPlan.Chunk chunk, int position) {
    ActiveRequest request = request(chunk.sequence());
    if (request.wantsPromptLogprob(position)) {
      return StepRunner.Want.LOGITS;
    }
    if (position + 1 < chunk.sequence().length() || request.promptOnly()) {
      return StepRunner.Want.NOTHING;
    }
    if (request.adjuster() != null) {
      adjusted.add(chunk.sequence());
    }
    return request.takesArgmax() ? StepRunner.Want.ARGMAX : StepRunner.Want.LOGITS;
  }

  @Override
  public void computing() {
    for (Sequence sequence : adjusted) {
      report(
          sequence,
          request -> {
            LogitsAdjuster adjuster = request.adjuster();
            if (adjuster != null) {
              adjuster.prepare();
            }
          });
    }
    adjusted.clear();
  }

  @Override
  public void onArgmax(StepPlan.Chunk chunk, int position, int token) {
    report(
        chunk.sequence(),
        request -> {
          if (token < 0) {
            throw new BadLogitsException(
                "the logits at position %d are not all numbers; no token can be chosen"
                    .formatted(position));
          }
          accept(request, token, null);
        });
  }

  @Override
  public void onLogits(StepPlan.Chunk chunk, int position, MemorySegment logits, int row) {
    Sequence sequence = chunk.sequence();
    boolean promptRow = position + 1 < sequence.promptLength();
    int promptToken = promptRow ? sequence.token(position + 1) : -1;
    report(
        sequence,
        request -> {
          if (promptRow) {
            int top = request.sampling().promptLogprobs();
            request.addPromptLogprob(logprobs.of(logits, row, promptToken, top));
          } else {
            sample(request, logits, row);
          }
        });
  }

  private void sample(ActiveRequest request, MemorySegment logits, int row) {
    int token =
        sampler.sample(
            logits,
            row,
            request.sampling(),
            request.adjuster(),
            request.seed(),
            request.generated());
    int top = request.sampling().logprobs();
    accept(request, token, top < 0 ? null : logprobs.of(logits, row, token, top));
  }

  private void accept(ActiveRequest request, int token, @Nullable TokenLogprob logprob) {
    generatedTokens++;
    request.accept(token, logprob, clock.nanos());
  }

  /** Takes note of those that take part in a step for the first time. */
  void noteStarts(StepPlan plan) {
    long now = clock.nanos();
    for (StepPlan.Chunk chunk : plan.chunks()) {
      ActiveRequest request = request(chunk.sequence());
      if (request.start(now)) {
        request.times().predict(rates.computeNanos(chunk.sequence(), chunk.start()));
      }
    }
  }

  /**
   * Takes note of what a step took of those whose prompts it computed.
   *
   * @param stallNanos how long the device waited for loads
   */
  void noteStep(StepPlan plan, long begun, long ended, long stallNanos) {
    for (StepPlan.Chunk chunk : plan.chunks()) {
      ActiveRequest request = active.get(chunk.sequence());
      if (request != null && !request.times().isComplete()) {
        Sequence sequence = chunk.sequence();
        request.times().add(sequence.restored(), begun, ended, stallNanos, chunk.completesPrompt());
        countPrompt(chunk);
      }
    }
  }

  /**
   * Takes note of what a step over host memory took.
   *
   * @param predictedReadNanos what reading was expected to take
   * @param readNanos what it did
   */
  void noteLongStep(StepPlan plan, long nanos, long predictedReadNanos, long readNanos) {
    StepPlan.Chunk chunk = plan.chunks().getFirst();
    ActiveRequest request = active.get(chunk.sequence());
    if (request != null && !request.times().isComplete()) {
      request.times().addLong(nanos, predictedReadNanos, readNanos, chunk.completesPrompt());
      countPrompt(chunk);
    }
  }

  /**
   * Counts a prompt once it is there: until then a load may fail whose tokens are then computed.
   */
  private void countPrompt(StepPlan.Chunk chunk) {
    if (chunk.completesPrompt()) {
      promptTokens += chunk.sequence().promptLength();
      cachedPromptTokens += chunk.sequence().cachedPrompt();
      hostPromptTokens += chunk.sequence().hostPrompt();
    }
  }

  /** Ends those whose output a finished step has completed. */
  void endFinished(StepPlan plan) {
    for (StepPlan.Chunk chunk : plan.chunks()) {
      ActiveRequest request = active.get(chunk.sequence());
      if (request == null) {
        continue;
      }
      if (request.promptOnly() && chunk.reachesEnd()) {
        end(request, () -> finish(request, Finish.Reason.LENGTH));
      } else if (request.reason() != null) {
        Finish.Reason reason = request.reason();
        end(request, () -> finish(request, reason));
      }
    }
  }

  private void finish(ActiveRequest request, Finish.Reason reason) {
    double critical = rates.kappaCritical(request.sequence().promptLength());
    request.finish(reason, clock.nanos(), critical);
  }

  /** Passes something on to a request; what goes wrong there ends that request alone. */
  private void report(Sequence sequence, Consumer<ActiveRequest> action) {
    ActiveRequest request = active.get(sequence);
    if (request == null) {
      return;
    }
    try {
      action.accept(request);
    } catch (InvalidSamplingException e) {
      end(request, () -> request.fail(invalid(e)));
    } catch (BadLogitsException e) {
      end(request, () -> request.fail(internal(e)));
    } catch (RuntimeException | Error e) {
      LOG.log(Level.WARNING, "request " + request.id() + ": its output failed", e);
      end(request, () -> request.fail(internal(e)));
    }
  }

  /** Forgets a request, gives its blocks back and says goodbye to its listener. */
  private void end(ActiveRequest request, Runnable goodbye) {
    active.remove(request.sequence());
    try {
      scheduler.remove(request.sequence());
    } finally {
      say(request, goodbye);
      if (tracer != null) {
        tracer.ended(request, clock.nanos());
      }
    }
  }

  private static void say(ActiveRequest request, Runnable goodbye) {
    try {
      goodbye.run();
    } catch (RuntimeException | Error e) {
      LOG.log(Level.WARNING, "request " + request.id() + ": its output failed", e);
      tell(request, internal(e));
    }
  }

  private ActiveRequest request(Sequence sequence) {
    ActiveRequest request = active.get(sequence);
    if (request == null) {
      throw new IllegalStateException("a sequence is planned that no request has");
    }
    return request;
  }
}
