package dev.kappa.engine;

import dev.kappa.device.Clock;
import dev.kappa.device.Device;
import dev.kappa.device.DeviceException;
import dev.kappa.device.Event;
import dev.kappa.device.Resources;
import dev.kappa.device.Stream;
import dev.kappa.device.Worker;
import dev.kappa.kv.KvCache;
import dev.kappa.kv.LongContexts;
import dev.kappa.kv.StreamedKv;
import dev.kappa.kv.transfer.EventPool;
import dev.kappa.model.ModelConfig;
import dev.kappa.model.Transformer;
import dev.kappa.model.TransformerWeights;
import dev.kappa.schedule.StepPlan;
import java.util.ArrayDeque;
import org.jspecify.annotations.Nullable;

/**
 * Runs the steps of a sequence that exceeds the device, on a stream and with buffers of its own:
 * they take as long as it takes to read the whole context from host memory, and other sequences'
 * steps go on beside them. A worker puts a step on the stream part by part, each as earlier ones
 * are done: a driver's queue holds about a thousand operations, of which such a step has many more,
 * and then holds up whoever submits. Used by the engine thread, which never waits for that worker
 * but in {@link #abandon} and {@link #close}; one step is in flight at a time.
 */
final class LongRunner implements AutoCloseable {

  /**
   * What a step took.
   *
   * @param begunNanos when it was submitted
   * @param endedNanos when all of it was done
   * @param predictedReadNanos what reading host memory was expected to take
   * @param readNanos what it did, by the device's own clock
   */
  record Times(long begunNanos, long endedNanos, long predictedReadNanos, long readNanos) {

    long nanos() {
      return endedNanos - begunNanos;
    }
  }

  private static final String STREAM = "long";

  /** Parts on the stream: one is computed, those behind it have their copies under way. */
  private static final int AHEAD = StreamedKv.RING + 1;

  private final Resources resources = new Resources();
  private final Clock clock;
  private final LongContexts contexts;
  private final Stream stream;
  private final StreamedKv kv;
  private final StepRunner runner;
  private final Event done;
  private final EventPool events;
  private final Worker feeder;
  private @Nullable StepPlan plan;
  private long begunNanos;
  private long predictedReadNanos;

  /** Guards what puts a step on the streams. */
  private final Object lock = new Object();

  private Transformer.@Nullable Pass pass;

  /** Hears of the step's end. */
  private @Nullable Worker waiting;

  /** The ends of parts on the stream. */
  private final ArrayDeque<Event> ahead = new ArrayDeque<>();

  /** Whether no more of the step comes than what is on the stream. */
  private volatile boolean submitted;

  /** Whether no more of the step is to come, though there is more of it. */
  private volatile boolean stopping;

  /** Why the rest of the step could not be put on the stream; written before {@link #submitted}. */
  private volatile @Nullable Throwable refusal;

  /**
   * @param maxRows most tokens of a step
   * @param maxLength most tokens of a context
   * @param tracer is told of parts of steps; null if nobody is
   */
  LongRunner(
      Device device,
      ModelConfig config,
      TransformerWeights weights,
      KvCache cache,
      int maxRows,
      int maxLength,
      @Nullable Tracer tracer) {
    clock = device.clock();
    contexts = cache.longContexts();
    boolean complete = false;
    try {
      Transformer transformer =
          resources.own(new Transformer(config, weights, device, maxRows), Transformer::close);
      kv =
          resources.own(
              cache.longContexts().open(device, config.attention().shape(0), maxRows),
              StreamedKv::close);
      stream = resources.own(device.newStream(STREAM), Stream::close);
      done = resources.own(device.newEvent(), Event::close);
      StepMarks marks =
          tracer == null
              ? null
              : resources.own(new StepMarks(device, tracer, STREAM), StepMarks::close);
      if (marks != null) {
        marks.start();
      }
      runner =
          resources.own(
              new StepRunner(
                  device,
                  transformer,
                  cache.layout(),
                  stream,
                  config.vocabularySize(),
                  maxRows,
                  1,
                  cache.layout().blocksFor(maxLength),
                  marks),
              StepRunner::close);
      events = resources.own(new EventPool(device), this::closeEvents);
      // Closed first: no memory may go while work is in flight, nor come any more.
      resources.own(stream, Stream::close);
      feeder = resources.own(device.newWorker(STREAM, this::feed), Worker::close);
      complete = true;
    } finally {
      if (!complete) {
        close();
      }
    }
  }

  /** The step in flight. */
  @Nullable StepPlan plan() {
    return plan;
  }

  /**
   * Begins to put a step of one chunk on the stream.
   *
   * @param worker is signalled when it is done
   */
  void begin(StepPlan step, StepRunner.RowSink sink, Worker worker) {
    StepPlan.Chunk chunk = step.chunks().getFirst();
    begunNanos = clock.nanos();
    predictedReadNanos = contexts.readNanos(chunk.sequence().blocks(), chunk.start());
    contexts.follow(stream);
    kv.open(chunk.sequence().blocks(), chunk.start() + chunk.count());
    submitted = false;
    stopping = false;
    refusal = null;
    plan = step;
    synchronized (lock) {
      pass = runner.begin(step, kv, sink);
      waiting = worker;
    }
    feeder.signal();
  }

  /** Lets no more of the step in flight come than what is on the stream. */
  void stop() {
    if (!stopping) {
      stopping = true;
      feeder.signal();
    }
  }

  /**
   * Whether {@link #finish} would not have to wait.
   *
   * @throws dev.kappa.device.DeviceException if the stream has failed
   */
  boolean isDone() {
    return submitted && (refusal != null || done.isComplete());
  }

  /**
   * Reports what the step in flight computed, which is done; unless it was stopped.
   *
   * @return what it took
   * @throws DeviceException if a part of it was refused; then {@link #abandon} comes next
   */
  Times finish(StepRunner.RowSink sink) {
    Throwable refused = refusal;
    if (refused instanceof DeviceException known) {
      throw known;
    }
    if (refused != null) {
      throw new IllegalStateException("a step could not be put on its stream", refused);
    }
    plan = null;
    if (!stopping) {
      runner.finish(sink);
    }
    synchronized (lock) {
      giveBack();
      return new Times(begunNanos, clock.nanos(), predictedReadNanos, kv.settle());
    }
  }

  /**
   * Lets no more of the step in flight come, and waits for what there is of it.
   *
   * @throws DeviceException if a stream has failed
   */
  void abandon() {
    plan = null;
    synchronized (lock) {
      pass = null;
    }
    kv.synchronize();
    stream.synchronize();
    synchronized (lock) {
      giveBack();
      kv.forget();
    }
  }

  /** The worker's task: puts as much of the step on the stream as may be there. */
  private long feed() {
    synchronized (lock) {
      Worker engine = waiting;
      if (pass == null || engine == null) {
        return Worker.WHEN_SIGNALLED;
      }
      try {
        while (!ahead.isEmpty() && ahead.element().isComplete()) {
          events.give(ahead.remove());
        }
        while (pass != null && (stopping || ahead.size() < AHEAD)) {
          submitNext(pass, engine);
        }
      } catch (RuntimeException | Error e) {
        // Whatever it was: a worker that ended would leave everyone waiting.
        pass = null;
        refusal = e;
        submitted = true;
        engine.signal();
      }
    }
    return Worker.WHEN_SIGNALLED;
  }

  private void submitNext(Transformer.Pass step, Worker engine) {
    if (!stopping && step.next()) {
      Event end = events.take();
      ahead.add(end);
      stream.record(end);
      stream.signal(feeder);
      return;
    }
    pass = null;
    runner.passed();
    stream.record(done);
    submitted = true;
    stream.signal(engine);
  }

  private void giveBack() {
    ahead.forEach(events::give);
    ahead.clear();
  }

  private void closeEvents(EventPool pool) {
    giveBack();
    pool.close();
  }

  /** Waits for work in flight and frees everything. */
  @Override
  public void close() {
    synchronized (lock) {
      pass = null;
    }
    resources.close();
  }
}
