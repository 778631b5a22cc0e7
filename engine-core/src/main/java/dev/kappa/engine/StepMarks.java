package dev.kappa.engine;

import dev.kappa.device.Device;
import dev.kappa.device.Event;
import dev.kappa.device.Stream;
import dev.kappa.kv.transfer.EventPool;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * When a stream came to the parts of a step, for the trace: one event where each part begins. Not
 * thread-safe.
 */
final class StepMarks implements AutoCloseable {

  /** Steps of which one is marked layer by layer, where marks cost time on the device. */
  private static final int SAMPLE = 16;

  /** Less than this is not waiting but looking whether there is something to wait for. */
  private static final long LEAST_WAIT_NANOS = 1_000;

  private static final String FORWARD = "layers";
  private static final String WAIT = "wait for a load";

  /**
   * A place on the stream.
   *
   * @param next the part that begins; null if none does
   */
  private record Mark(@Nullable String next, Event reached) {}

  private final Tracer tracer;
  private final String track;
  private final EventPool events;
  private final int every;
  private final List<Mark> marks = new ArrayList<>();
  private long steps;
  private boolean on;

  /**
   * @param track the name of the only stream that is marked
   */
  StepMarks(Device device, Tracer tracer, String track) {
    this.tracer = tracer;
    this.track = track;
    events = new EventPool(device);
    every = device.info().kind().equals("cuda") ? SAMPLE : 1;
  }

  /** From here on marks are made. */
  void start() {
    on = true;
  }

  /** A step begins. */
  void step(Stream stream) {
    steps++;
    part(stream, marksLayers() ? "embedding" : FORWARD);
  }

  /** A layer begins. */
  void layer(Stream stream, int layer) {
    if (marksLayers()) {
      part(stream, "layer " + layer);
    }
  }

  /** What follows may have to wait, until {@link #arrived}. */
  void waits(Stream stream) {
    part(stream, WAIT);
  }

  /** What was waited for is there; a layer begins. */
  void arrived(Stream stream) {
    if (!marksLayers()) {
      part(stream, FORWARD);
    }
  }

  /** Another part begins; null ends the last one. */
  void part(Stream stream, @Nullable String name) {
    if (on) {
      Event reached = events.take();
      marks.add(new Mark(name, reached));
      stream.record(reached);
    }
  }

  /** Tells the trace of the parts since the last call, all of which are done. */
  void settle() {
    long from = 0;
    String name = null;
    for (Mark mark : marks) {
      long at = mark.reached.completedNanos();
      boolean counts = !WAIT.equals(name) || at - from >= LEAST_WAIT_NANOS;
      if (name != null && at > from && counts) {
        tracer.part(track, name, from, at);
      }
      from = at;
      name = mark.next;
    }
    forget();
  }

  @Override
  public void close() {
    forget();
    events.close();
  }

  private boolean marksLayers() {
    return steps % every == 0;
  }

  private void forget() {
    marks.forEach(mark -> events.give(mark.reached));
    marks.clear();
  }
}
