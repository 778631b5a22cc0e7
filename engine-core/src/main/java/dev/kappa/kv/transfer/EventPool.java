package dev.kappa.kv.transfer;

import dev.kappa.device.Device;
import dev.kappa.device.Event;
import java.util.ArrayDeque;

/** Events that are used again and again. Not thread-safe; its user guards it. */
public final class EventPool implements AutoCloseable {

  private final Device device;
  private final ArrayDeque<Event> idle = new ArrayDeque<>();
  private int taken;

  public EventPool(Device device) {
    this.device = device;
  }

  public Event take() {
    Event event = idle.poll();
    if (event == null) {
      event = device.newEvent();
    }
    taken++;
    return event;
  }

  /** Gives an event back whose latest recording nobody waits for any more. */
  public void give(Event event) {
    idle.push(event);
    taken--;
  }

  /**
   * Destroys the events.
   *
   * @throws IllegalStateException if some were not given back
   */
  @Override
  public void close() {
    idle.forEach(Event::close);
    idle.clear();
    if (taken != 0) {
      throw new IllegalStateException(taken + " events were not given back");
    }
  }
}
