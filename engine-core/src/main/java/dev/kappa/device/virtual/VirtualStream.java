package dev.kappa.device.virtual;

import dev.kappa.device.DeviceException;
import dev.kappa.device.Event;
import dev.kappa.device.Memory;
import dev.kappa.device.Stream;
import dev.kappa.device.Worker;
import java.util.ArrayDeque;
import java.util.Queue;
import org.jspecify.annotations.Nullable;

/** A stream: a queue whose head starts when the operation before it is done. */
final class VirtualStream implements Stream {

  sealed interface Operation {}

  /**
   * Work that takes time.
   *
   * @param resource what it occupies meanwhile
   * @param effect what has happened once it is done
   */
  record Work(SerialResource resource, double nanos, Runnable effect) implements Operation {

    /** Work that leaves nothing behind but the time that it took. */
    Work(SerialResource resource, double nanos) {
      this(resource, nanos, () -> {});
    }
  }

  private record Failure(String message) implements Operation {}

  private record Mark(VirtualEvent.Recording recording) implements Operation {}

  private record Wait(VirtualEvent.Recording recording) implements Operation {}

  private record Signal(Worker worker) implements Operation {}

  private final VirtualDevice device;
  private final Agenda agenda;
  private final String name;
  private final Queue<Operation> queue = new ArrayDeque<>();
  private boolean busy;
  private boolean closed;
  private @Nullable DeviceException failure;

  VirtualStream(VirtualDevice device, String name) {
    this.device = device;
    this.agenda = device.agenda();
    this.name = name;
  }

  /** The virtual stream behind the seam's type. */
  static VirtualStream of(Stream stream) {
    if (stream instanceof VirtualStream own) {
      return own;
    }
    throw new IllegalArgumentException("not a stream of a virtual device: " + stream);
  }

  void submit(Work work) {
    put(work);
  }

  /** Puts work on the stream that fails when its turn comes. */
  void fail(String message) {
    put(new Failure(message));
  }

  @Override
  public void copy(Memory target, long targetOffset, Memory source, long sourceOffset, long bytes) {
    CopyRequest copy = CopyRequest.of(target, targetOffset, source, sourceOffset, bytes);
    put(device.work(copy));
  }

  @Override
  public void copy2d(
      Memory target,
      long targetOffset,
      long targetPitch,
      Memory source,
      long sourceOffset,
      long sourcePitch,
      long width,
      long height) {
    CopyRequest copy =
        CopyRequest.of(
            target, targetOffset, targetPitch, source, sourceOffset, sourcePitch, width, height);
    put(device.work(copy));
  }

  @Override
  public void record(Event event) {
    checkOpen();
    put(new Mark(VirtualEvent.of(event).startRecording()));
  }

  @Override
  public void await(Event event) {
    checkOpen();
    VirtualEvent.Recording recording = VirtualEvent.of(event).latest();
    if (recording != null) {
      put(new Wait(recording));
    }
  }

  @Override
  public void signal(Worker worker) {
    put(new Signal(worker));
  }

  @Override
  public void synchronize() {
    VirtualEvent.Recording recording = new VirtualEvent.Recording();
    put(new Mark(recording));
    agenda.runUntil(recording::isComplete, "stream " + name + " is waited for");
    recording.throwIfFailed();
  }

  @Override
  public void close() {
    if (!closed) {
      closed = true;
      agenda.runUntil(() -> !busy, "stream " + name + " is closed with work on it");
      device.forget(this);
    }
  }

  private void checkOpen() {
    if (closed) {
      throw new IllegalStateException("stream " + name + " is closed");
    }
  }

  private void put(Operation operation) {
    checkOpen();
    queue.add(operation);
    advance();
  }

  private void advance() {
    while (!busy && !queue.isEmpty()) {
      start(queue.remove());
    }
  }

  private void start(Operation operation) {
    switch (operation) {
      case Mark mark -> mark.recording().complete(agenda.now(), failure);
      case Wait wait when wait.recording().isComplete() -> inherit(wait.recording());
      case Wait wait -> {
        busy = true;
        // Not at once: whoever completes the recording is in the middle of something.
        wait.recording().whenComplete(() -> agenda.at(agenda.now(), () -> goOn(wait.recording())));
      }
      case Signal signal -> signal.worker().signal();
      case Failure fault -> fail(new DeviceException("stream " + name + ": " + fault.message()));
      case Work work when failure == null -> {
        busy = true;
        long nanos = device.jitter().apply(work.nanos());
        agenda.at(work.resource().reserve(agenda.now(), nanos), () -> finish(work));
      }
      case Work skipped -> {}
    }
  }

  private void finish(Work work) {
    try {
      work.effect().run();
    } catch (RuntimeException e) {
      // As a kernel that touches memory that is gone.
      fail(new DeviceException("stream " + name + " failed: " + e, e));
    }
    busy = false;
    advance();
  }

  private void goOn(VirtualEvent.Recording recording) {
    inherit(recording);
    busy = false;
    advance();
  }

  private void inherit(VirtualEvent.Recording recording) {
    DeviceException failed = recording.failure();
    if (failed != null) {
      fail(new DeviceException("stream " + name + " waited: " + failed.getMessage(), failed));
    }
  }

  private void fail(DeviceException fault) {
    if (failure == null) {
      failure = fault;
    }
  }
}
