package dev.kappa.engine;

import dev.kappa.device.Device;
import dev.kappa.device.Event;
import dev.kappa.device.Resources;
import dev.kappa.device.Stream;
import dev.kappa.device.Worker;
import dev.kappa.kv.KvCache;
import dev.kappa.kv.LongContexts;
import dev.kappa.kv.StreamedKv;
import dev.kappa.model.ModelConfig;
import dev.kappa.model.Transformer;
import dev.kappa.model.TransformerWeights;
import dev.kappa.schedule.StepPlan;
import org.jspecify.annotations.Nullable;

/**
 * Runs the steps of a sequence that exceeds the device, on a stream and with buffers of its own:
 * they take as long as it takes to read the whole context from host memory, and other sequences'
 * steps go on beside them. Not thread-safe; one step is in flight at a time.
 */
final class LongRunner implements AutoCloseable {

  private final Resources resources = new Resources();
  private final LongContexts contexts;
  private final Stream stream;
  private final StreamedKv kv;
  private final StepRunner runner;
  private final Event done;
  private @Nullable StepPlan plan;

  /**
   * @param maxRows most tokens of a step
   * @param maxLength most tokens of a context
   */
  LongRunner(
      Device device,
      ModelConfig config,
      TransformerWeights weights,
      KvCache cache,
      int maxRows,
      int maxLength) {
    contexts = cache.longContexts();
    boolean complete = false;
    try {
      Transformer transformer =
          resources.own(new Transformer(config, weights, device, maxRows), Transformer::close);
      kv =
          resources.own(
              cache.longContexts().open(device, config.attention().shape(0), maxRows),
              StreamedKv::close);
      stream = resources.own(device.newStream("long"), Stream::close);
      done = resources.own(device.newEvent(), Event::close);
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
                  cache.layout().blocksFor(maxLength)),
              StepRunner::close);
      // Closed first: no memory may go while work is in flight.
      resources.own(stream, Stream::close);
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
   * Puts a step of one chunk on the stream.
   *
   * @param worker is signalled when it is done
   */
  void begin(StepPlan step, StepRunner.RowSink sink, Worker worker) {
    StepPlan.Chunk chunk = step.chunks().getFirst();
    contexts.follow(stream);
    kv.open(chunk.sequence().blocks(), chunk.start() + chunk.count());
    runner.begin(step, kv, sink);
    stream.record(done);
    stream.signal(worker);
    plan = step;
  }

  /** Whether {@link #finish} would not have to wait. */
  boolean isDone() {
    return done.isComplete();
  }

  /** Waits for the step in flight and reports what it computed. */
  void finish(StepRunner.RowSink sink) {
    plan = null;
    runner.finish(sink);
    kv.settle();
  }

  /**
   * Waits for what there is of a step that {@link #begin} could not put on the stream as a whole.
   *
   * @throws dev.kappa.device.DeviceException if a stream has failed
   */
  void abandon() {
    kv.synchronize();
    stream.synchronize();
    kv.forget();
  }

  /** Waits for work in flight and frees everything. */
  @Override
  public void close() {
    resources.close();
  }
}
