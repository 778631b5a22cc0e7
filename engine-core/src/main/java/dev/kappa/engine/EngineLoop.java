package dev.kappa.engine;

import dev.kappa.device.Clock;
import dev.kappa.kv.KvCache;
import dev.kappa.sample.BadLogitsException;
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
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The engine thread: takes commands, runs steps, reports output. Everything but {@link #post} and
 * {@link #stats} is confined to that thread.
 */
final class EngineLoop implements Runnable, StepRunner.RowSink {

  /** Something for the engine thread to do between steps. */
  @FunctionalInterface
  interface Command {
    void run(EngineLoop loop);
  }

  private static final Logger LOG = System.getLogger(EngineLoop.class.getName());

  private final BlockingQueue<Command> commands = new LinkedBlockingQueue<>();
  private final IdentityHashMap<Sequence, ActiveRequest> active = new IdentityHashMap<>();
  private final Scheduler scheduler;
  private final KvCache cache;
  private final StepRunner runner;
  private final Sampler sampler;
  private final Logprobs logprobs;
  private final Clock clock;

  /** Guarded by {@link #commands}: whether nothing takes commands any more. */
  private boolean ended;

  private boolean closing;
  private @Nullable Throwable failure;
  private long steps;
  private long promptTokens;
  private long cachedPromptTokens;
  private long generatedTokens;
  private volatile EngineStats stats;

  EngineLoop(Scheduler scheduler, KvCache cache, StepRunner runner, int vocabulary, Clock clock) {
    this.scheduler = scheduler;
    this.cache = cache;
    this.runner = runner;
    this.clock = clock;
    sampler = new Sampler(vocabulary);
    logprobs = new Logprobs(vocabulary);
    stats = snapshot();
  }

  /**
   * Hands a command to the engine thread. Thread-safe.
   *
   * @return false if that thread has ended; then the command will not run
   */
  boolean post(Command command) {
    synchronized (commands) {
      return !ended && commands.add(command);
    }
  }

  /** The books as of the last step. Thread-safe. */
  EngineStats stats() {
    return stats;
  }

  /** Runs until told to close; ends every request before it returns. */
  @Override
  public void run() {
    try {
      while (drain()) {
        step();
      }
    } finally {
      abortAll();
      stats = snapshot();
    }
  }

  /** Starts work on a request. */
  void submit(ActiveRequest request) {
    Throwable fault = failure;
    if (fault != null) {
      failOne(request, unavailable(fault));
      return;
    }
    active.put(request.sequence(), request);
    scheduler.add(request.sequence());
  }

  /** Ends a request early; does nothing if it has ended. */
  void cancel(ActiveRequest request) {
    if (active.containsKey(request.sequence())) {
      end(request, () -> request.finish(Finish.Reason.ABORT, clock.nanos()));
    }
  }

  /** Makes {@link #run} return after the current step. */
  void close() {
    closing = true;
  }

  /** Runs all commands that are there, and waits for one while there is no other work. */
  private boolean drain() {
    if (active.isEmpty() && !closing) {
      stats = snapshot();
      awaitCommand().run(this);
    }
    for (Command command = commands.poll(); command != null; command = commands.poll()) {
      command.run(this);
    }
    return !closing;
  }

  private Command awaitCommand() {
    while (true) {
      try {
        return commands.take();
      } catch (InterruptedException _) {
        // Only close ends this thread; a listener may have left it interrupted.
      }
    }
  }

  /** One round: plan, compute and sample, make the new blocks findable, end what is done. */
  private void step() {
    if (active.isEmpty()) {
      return;
    }
    try {
      StepPlan plan = scheduler.plan();
      if (plan.isEmpty()) {
        throw new IllegalStateException("requests wait, but none can go on");
      }
      noteStarts(plan);
      runner.run(plan, this);
      steps++;
      scheduler.publish(plan);
      endFinished(plan);
    } catch (RuntimeException | Error e) {
      fail(e);
    }
    stats = snapshot();
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
    return request.takesArgmax() ? StepRunner.Want.ARGMAX : StepRunner.Want.LOGITS;
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
        sampler.sample(logits, row, request.sampling(), request.seed(), request.generated());
    int top = request.sampling().logprobs();
    accept(request, token, top < 0 ? null : logprobs.of(logits, row, token, top));
  }

  private void accept(ActiveRequest request, int token, @Nullable TokenLogprob logprob) {
    generatedTokens++;
    request.accept(token, logprob, clock.nanos());
  }

  private void noteStarts(StepPlan plan) {
    long now = clock.nanos();
    for (StepPlan.Chunk chunk : plan.chunks()) {
      ActiveRequest request = request(chunk.sequence());
      if (request.start(now)) {
        promptTokens += chunk.sequence().promptLength();
        cachedPromptTokens += chunk.sequence().cachedPrompt();
      }
    }
  }

  private void endFinished(StepPlan plan) {
    for (StepPlan.Chunk chunk : plan.chunks()) {
      ActiveRequest request = active.get(chunk.sequence());
      if (request == null) {
        continue;
      }
      if (request.promptOnly() && chunk.reachesEnd()) {
        end(request, () -> request.finish(Finish.Reason.LENGTH, clock.nanos()));
      } else if (request.reason() != null) {
        Finish.Reason reason = request.reason();
        end(request, () -> request.finish(reason, clock.nanos()));
      }
    }
  }

  /** Passes something on to a request; what goes wrong there ends that request alone. */
  private void report(Sequence sequence, Consumer<ActiveRequest> action) {
    ActiveRequest request = active.get(sequence);
    if (request == null) {
      return;
    }
    try {
      action.accept(request);
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
    scheduler.remove(request.sequence());
    try {
      goodbye.run();
    } catch (RuntimeException | Error e) {
      LOG.log(Level.WARNING, "request " + request.id() + ": its output failed", e);
      failOne(request, internal(e));
    }
  }

  /** After a failed step nothing on the device can be trusted: all requests end with an error. */
  private void fail(Throwable cause) {
    LOG.log(Level.ERROR, "a step failed; the engine takes no more requests", cause);
    failure = cause;
    for (ActiveRequest request : List.copyOf(active.values())) {
      end(request, () -> request.fail(unavailable(cause)));
    }
    stats = snapshot();
  }

  private void failOne(ActiveRequest request, EngineException error) {
    try {
      request.fail(error);
    } catch (RuntimeException | Error e) {
      LOG.log(Level.WARNING, "request " + request.id() + ": its listener failed", e);
    }
  }

  private static EngineException internal(Throwable cause) {
    return new EngineException(
        EngineException.Kind.INTERNAL, String.valueOf(cause.getMessage()), cause);
  }

  private static EngineException unavailable(Throwable cause) {
    return new EngineException(
        EngineException.Kind.UNAVAILABLE, "the engine failed: " + cause.getMessage(), cause);
  }

  private void abortAll() {
    synchronized (commands) {
      ended = true;
    }
    // There are some if the thread ended otherwise than by close.
    for (Command command = commands.poll(); command != null; command = commands.poll()) {
      command.run(this);
    }
    for (ActiveRequest request : new ArrayList<>(active.values())) {
      end(request, () -> request.finish(Finish.Reason.ABORT, clock.nanos()));
    }
  }

  private ActiveRequest request(Sequence sequence) {
    ActiveRequest request = active.get(sequence);
    if (request == null) {
      throw new IllegalStateException("a sequence is planned that no request has");
    }
    return request;
  }

  private EngineStats snapshot() {
    return new EngineStats(
        scheduler.running(),
        scheduler.waiting(),
        cache.stats(),
        steps,
        promptTokens,
        cachedPromptTokens,
        0,
        generatedTokens,
        scheduler.preemptions(),
        failure != null);
  }
}
