package dev.kappa.engine;

import dev.kappa.device.Device;
import dev.kappa.device.Event;
import dev.kappa.device.KvLayer;
import dev.kappa.device.LayerKv;
import dev.kappa.device.Stream;
import dev.kappa.kv.KvCache;
import dev.kappa.kv.Load;
import dev.kappa.kv.transfer.EventPool;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The way to blocks on the device, some of which are still being loaded: before a step touches the
 * layers of a group, the device waits for that group of every load that the step has joined, and
 * the time that this takes is measured. Not thread-safe.
 */
final class LoadGate implements LayerKv, AutoCloseable {

  private record Arrival(Load load, int group, Event event) {}

  private final KvCache cache;
  private final EventPool events;
  private final @Nullable StepMarks marks;
  private final List<Arrival> arrivals = new ArrayList<>();
  private List<Load> loads = List.of();

  /**
   * @param marks is told where the stream waits and where layers begin; null if nobody is
   */
  LoadGate(Device device, KvCache cache, @Nullable StepMarks marks) {
    this.cache = cache;
    this.marks = marks;
    events = new EventPool(device);
  }

  /** Prepares for the next step. */
  void open(List<Load> joined) {
    loads = joined;
  }

  @Override
  public KvLayer layer(int layer) {
    return cache.layers()[layer];
  }

  @Override
  public void before(Stream stream, int layer) {
    for (Load load : loads) {
      int group = load.groupAt(layer);
      if (group >= 0) {
        Event arrived = events.take();
        arrivals.add(new Arrival(load, group, arrived));
        stream.record(arrived);
        await(load, group, stream);
      }
    }
    if (marks != null) {
      marks.layer(stream, layer);
    }
  }

  private void await(Load load, int group, Stream stream) {
    if (marks != null) {
      marks.waits(stream);
    }
    load.await(group, stream);
    if (marks != null) {
      marks.arrived(stream);
    }
  }

  /** Takes note of the loads of a step that is done; returns how long it waited for them. */
  long settle() {
    cache.settle();
    long stall = 0;
    for (Arrival arrival : arrivals) {
      stall += arrival.load.addStall(arrival.group, arrival.event.completedNanos());
      events.give(arrival.event);
    }
    arrivals.clear();
    loads = List.of();
    return stall;
  }

  @Override
  public void close() {
    arrivals.forEach(arrival -> events.give(arrival.event));
    arrivals.clear();
    events.close();
  }
}
