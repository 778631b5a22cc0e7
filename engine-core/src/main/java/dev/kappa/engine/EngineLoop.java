package dev.kappa.engine;

import dev.kappa.device.Clock;
import dev.kappa.device.Device;
import dev.kappa.device.DeviceException;
import dev.kappa.device.Worker;
import dev.kappa.kv.KvCache;
import dev.kappa.kv.KvStats;
import dev.kappa.schedule.Scheduler;
import dev.kappa.schedule.Sequence;
import dev.kappa.schedule.StepCost;
import dev.kappa.schedule.StepPlan;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Queue;
import org.jspecify.annotations.Nullable;

/**
 * The engine thread: takes commands, runs steps, reports output. Everything but {@link #post},
 * {@link #stats}, {@link #isStalled} and {@link #close} is confined to that thread.
 */
final class EngineLoop {

  /** Something for the engine thread to do between steps. */
  @FunctionalInterface
  interface Command {
    void run(EngineLoop loop);
  }

  private static final Logger LOG = System.getLogger(EngineLoop.class.getName());

  private final Queue<Command> commands = new ArrayDeque<>();
  private final ActiveRequests requests;
  private final Scheduler scheduler;
  private final KvCache cache;
  private final StepRunner runner;
  private final LoadGate gate;
  private final @Nullable LongRunner longRunner;
  private final @Nullable Tracer tracer;
  private final StepCost cost;
  private final Rates rates;
  private final Clock clock;
  private final Worker worker;
  private final Distributions distributions;
  private final StallWatch watch;

  /** Guarded by {@link #commands}: whether nothing takes commands any more. */
  private boolean ended;

  private boolean closing;
  private @Nullable Throwable failure;
  private int idleRounds;
  private long steps;
  private volatile EngineStats stats;

  /**
   * @param cost what the scheduler predicts steps by; learns from those that run
   * @param rates what it has learned
   * @param gate the way to blocks that are being loaded
   * @param longRunner runs sequences that exceed the device; null if none may
   * @param tracer is told of steps and requests; null if nobody is
   */
  EngineLoop(
      Device device,
      Scheduler scheduler,
      StepCost cost,
      Rates rates,
      KvCache cache,
      StepRunner runner,
      LoadGate gate,
      @Nullable LongRunner longRunner,
      @Nullable Tracer tracer,
      int vocabulary) {
    this.scheduler = scheduler;
    this.cost = cost;
    this.rates = rates;
    this.cache = cache;
    this.runner = runner;
    this.gate = gate;
    this.longRunner = longRunner;
    this.tracer = tracer;
    clock = device.clock();
    watch = new StallWatch(clock);
    distributions = Distributions.of(cache.distributions());
    requests = new ActiveRequests(scheduler, clock, rates, tracer, vocabulary);
    stats = snapshot();
    worker = device.newWorker("engine", this::round);
    cache.onProgress(worker::signal);
  }

  /**
   * Hands a command to the engine thread. Thread-safe.
   *
   * @return false if that thread has ended; then the command will not run
   */
  boolean post(Command command) {
    synchronized (commands) {
      if (ended) {
        return false;
      }
      commands.add(command);
    }
    worker.signal();
    return true;
  }

  /** The books as of the last step. Thread-safe. */
  EngineStats stats() {
    return stats;
  }

  /** Whether a step that is running should have ended long ago. Thread-safe. */
  boolean isStalled() {
    return watch.isStalled();
  }

  /** How what happens here is distributed. Thread-safe. */
  Distributions distributions() {
    return distributions;
  }

  /** Whether the caller is the engine thread. */
  boolean isCurrent() {
    return worker.isCurrent();
  }

  /** Ends every request, then the engine thread. */
  void close() {
    post(loop -> loop.closing = true);
    worker.close();
    abortAll();
    stats = snapshot();
  }

  /** Takes note of what came back when everything was closed. */
  void closed() {
    stats = snapshot();
  }

  /**
   * The engine thread's task: takes note of what has happened, then runs a step.
   *
   * @return when to do so again, see {@link Worker.Task}
   */
  private long round() {
    try {
      drain();
      if (closing) {
        abortAll();
        return Worker.WHEN_SIGNALLED;
      }
      long again = failure == null ? step() : Worker.WHEN_SIGNALLED;
      stats = snapshot();
      return again;
    } catch (RuntimeException | Error e) {
      watch.end();
      fail(e);
      return Worker.WHEN_SIGNALLED;
    }
  }

  /** Starts work on a request. */
  void submit(ActiveRequest request) {
    Throwable fault = failure;
    if (fault != null) {
      ActiveRequests.tell(request, unavailable(fault));
      return;
    }
    requests.add(request);
  }

  /** Ends a request early; does nothing if it has ended. */
  void cancel(ActiveRequest request) {
    requests.cancel(request);
  }

  /** Forgets cached prefixes; returns of how many blocks. */
  Engine.Cleared clearCache(boolean device, boolean host) {
    return new Engine.Cleared(device ? cache.clearDevice() : 0, host ? cache.clearHost() : 0);
  }

  /**
   * Recounts all KV blocks.
   *
   * @throws IllegalStateException if the books do not balance
   */
  void audit() {
    cache.checkIntegrity();
  }

  private void drain() {
    for (Command command = nextCommand(); command != null; command = nextCommand()) {
      command.run(this);
    }
  }

  private @Nullable Command nextCommand() {
    synchronized (commands) {
      return commands.poll();
    }
  }

  /**
   * One step: plan, compute and sample, make the new blocks findable, end what is done.
   *
   * @return when to do the next
   */
  private long step() {
    cache.settle();
    endLongStep();
    if (requests.isEmpty()) {
      return Worker.WHEN_SIGNALLED;
    }
    long start = clock.nanos();
    StepPlan plan = scheduler.plan(start);
    boolean changed = failImpossible();
    beginLongStep();
    if (plan.isEmpty() && changed) {
      // What was given back may be what the others wait for.
      return start;
    }
    if (plan.isEmpty()) {
      return nothingToDo(plan);
    }
    idleRounds = 0;
    requests.noteStarts(plan);
    // Whoever counts what waits need not wait for the step's end.
    stats = snapshot();
    long expected = cost.nanos(plan.work());
    long begun = clock.nanos();
    if (cost.isKnown()) {
      watch.begin(expected);
    }
    gate.open(plan.loads());
    runner.run(plan, gate, requests);
    long stall = gate.settle();
    watch.end();
    long ended = clock.nanos();
    if (tracer != null) {
      tracer.step(plan, expected, begun, ended, stall);
    }
    cost.observe(plan.work(), ended - begun - stall);
    requests.noteStep(plan, begun, ended, stall);
    steps++;
    distributions.stepTokens().add(plan.work().rows());
    scheduler.publish(plan);
    // Whoever hears of a request's end finds its tokens counted.
    stats = snapshot();
    requests.endFinished(plan);
    // Last, since what has just been given back may be reused next.
    cache.flushStores();
    return start;
  }

  /**
   * Says when to plan again after an empty plan.
   *
   * @throws IllegalStateException if there is nothing to wait for: better than waiting for ever
   */
  private long nothingToDo(StepPlan plan) {
    cache.flushStores();
    if (requests.isEmpty() || !cache.isIdle() || isLongInFlight()) {
      idleRounds = 0;
      return plan.again();
    }
    // What was waited for may have come after the plan was made.
    if (idleRounds++ > 0) {
      throw new IllegalStateException("requests wait, but none can go on");
    }
    return clock.nanos();
  }

  private boolean isLongInFlight() {
    return longRunner != null && longRunner.plan() != null;
  }

  /** Begins the next step of the sequence that exceeds the device, if it is time. */
  private void beginLongStep() {
    LongRunner runs = longRunner;
    StepPlan plan = runs == null ? null : scheduler.longSequence().plan();
    if (runs != null && plan != null) {
      requests.noteStarts(plan);
      runs.begin(plan, requests, worker);
    }
  }

  /** Takes note of that sequence's step, if it is done. */
  private void endLongStep() {
    LongRunner runs = longRunner;
    StepPlan plan = runs == null ? null : runs.plan();
    if (runs == null || plan == null) {
      return;
    }
    if (scheduler.longSequence().isDoomed()) {
      runs.stop();
    }
    if (!runs.isDone()) {
      return;
    }
    try {
      LongRunner.Times times = runs.finish(requests);
      if (tracer != null) {
        tracer.longStep(plan, times.begunNanos(), times.endedNanos(), times.readNanos());
      }
      requests.noteLongStep(plan, times.nanos(), times.predictedReadNanos(), times.readNanos());
    } catch (DeviceException e) {
      // Fails for good if it is more than a refusal.
      runs.abandon();
      LOG.log(Level.WARNING, "a step over host memory was refused; its request ends", e);
      requests.fail(plan.chunks().getFirst().sequence(), ActiveRequests.internal(e));
    }
    steps++;
    distributions.stepTokens().add(plan.rows());
    scheduler.longSequence().finished();
    stats = snapshot();
    requests.endFinished(plan);
  }

  /**
   * Ends requests for which host memory cannot be had, or not be written; returns whether there
   * were any.
   */
  private boolean failImpossible() {
    List<Sequence> sequences = scheduler.takeImpossible();
    for (Sequence sequence : sequences) {
      String message =
          "the context exceeds the device, and there is not enough host memory to keep its KV";
      requests.fail(sequence, new EngineException(EngineException.Kind.INTERNAL, null, message));
    }
    return !sequences.isEmpty();
  }

  /** After a failed step nothing on the device can be trusted: all requests end with an error. */
  private void fail(Throwable cause) {
    LOG.log(Level.ERROR, "a step failed; the engine takes no more requests", cause);
    failure = cause;
    if (longRunner != null) {
      longRunner.stop();
    }
    try {
      requests.failAll(unavailable(cause));
      // Nothing will use its blocks again, whatever its step in flight still does.
      scheduler.longSequence().finished();
    } catch (RuntimeException e) {
      LOG.log(Level.ERROR, "the books of the failed engine do not balance", e);
    }
    stats = snapshot();
  }

  private static EngineException unavailable(Throwable cause) {
    return new EngineException(
        EngineException.Kind.UNAVAILABLE, "the engine failed: " + cause.getMessage(), cause);
  }

  private void abortAll() {
    synchronized (commands) {
      ended = true;
    }
    drain();
    requests.cancelAll();
    LongRunner runs = longRunner;
    if (runs != null && runs.plan() != null && failure == null) {
      runs.abandon();
      scheduler.longSequence().finished();
    }
  }

  private EngineStats snapshot() {
    KvStats kv = cache.stats();
    return new EngineStats(
        scheduler.running(),
        scheduler.waiting(),
        scheduler.deferred(),
        kv,
        steps,
        requests.promptTokens(),
        requests.cachedPromptTokens(),
        requests.hostPromptTokens(),
        requests.generatedTokens(),
        scheduler.preemptions(),
        rates.measured(kv),
        failure != null);
  }
}
