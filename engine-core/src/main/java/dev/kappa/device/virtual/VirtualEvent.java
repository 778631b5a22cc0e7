package dev.kappa.device.virtual;

import dev.kappa.device.DeviceException;
import dev.kappa.device.Event;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** An event: the latest of its recordings. */
final class VirtualEvent implements Event {

  /** One recording on one stream; completes once. */
  static final class Recording {

    private final List<Runnable> waiting = new ArrayList<>();
    private boolean complete;
    private long nanos;
    private @Nullable DeviceException failure;

    void complete(long now, @Nullable DeviceException failed) {
      complete = true;
      nanos = now;
      failure = failed;
      waiting.forEach(Runnable::run);
      waiting.clear();
    }

    boolean isComplete() {
      return complete;
    }

    /** Runs an action on completion, which has not come yet. */
    void whenComplete(Runnable action) {
      waiting.add(action);
    }

    /** Why the stream that was recorded on had failed, if it had. */
    @Nullable DeviceException failure() {
      return failure;
    }

    void throwIfFailed() {
      DeviceException failed = failure;
      if (failed != null) {
        throw new DeviceException(String.valueOf(failed.getMessage()), failed);
      }
    }
  }

  private final Agenda agenda;
  private @Nullable Recording latest;
  private boolean closed;

  VirtualEvent(Agenda agenda) {
    this.agenda = agenda;
  }

  /** The virtual event behind the seam's type. */
  static VirtualEvent of(Event event) {
    if (event instanceof VirtualEvent own) {
      return own;
    }
    throw new IllegalArgumentException("not an event of a virtual device: " + event);
  }

  Recording startRecording() {
    checkOpen();
    Recording recording = new Recording();
    latest = recording;
    return recording;
  }

  /** The latest recording so far, if there was one. */
  @Nullable Recording latest() {
    checkOpen();
    return latest;
  }

  @Override
  public boolean isComplete() {
    Recording recording = latest();
    if (recording == null) {
      return true;
    }
    if (!recording.isComplete()) {
      return false;
    }
    recording.throwIfFailed();
    return true;
  }

  @Override
  public void synchronize() {
    Recording recording = latest();
    if (recording != null) {
      agenda.runUntil(recording::isComplete, "an event is waited for");
      recording.throwIfFailed();
    }
  }

  @Override
  public long completedNanos() {
    Recording recording = latest();
    if (recording == null || !recording.isComplete()) {
      throw new IllegalStateException(
          recording == null ? "event was never recorded" : "event is not complete");
    }
    recording.throwIfFailed();
    return recording.nanos;
  }

  @Override
  public void close() {
    closed = true;
  }

  private void checkOpen() {
    if (closed) {
      throw new IllegalStateException("event is closed");
    }
  }
}
