package dev.kappa.device.cpu;

import dev.kappa.device.DeviceException;
import dev.kappa.device.Event;
import dev.kappa.device.Memory;
import dev.kappa.device.Stream;
import dev.kappa.device.Worker;
import dev.kappa.device.host.Threads;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/** A stream: a thread with a queue. */
final class CpuStream implements Stream {

  /** How long the thread looks for a next kernel before it parks; copies never spin. */
  private static final long SPIN_NANOS = 40_000;

  /** Work on the stream's thread. */
  @FunctionalInterface
  interface Kernel {
    void run(Scratch scratch);
  }

  private sealed interface Entry {}

  private record Launch(Kernel kernel) implements Entry {}

  private record Copy(Copies.Request request) implements Entry {}

  private record LinkCopy(Copies.Request request, Link link, long submitted) implements Entry {}

  private record Mark(CpuEvent.Recording recording) implements Entry {}

  private record Wait(CpuEvent.Recording recording) implements Entry {}

  private record Signal(Worker worker) implements Entry {}

  private record Stop() implements Entry {}

  private final CpuDevice device;
  private final String name;
  private final ConcurrentLinkedQueue<Entry> queue = new ConcurrentLinkedQueue<>();
  private final Thread thread;
  private volatile boolean parked;
  private volatile boolean closed;
  private @Nullable DeviceException failure;

  /** When the work before was done, as links count time. */
  private long done;

  CpuStream(CpuDevice device, String name) {
    this.device = device;
    this.name = name;
    thread = new Thread(this::run, "kappa-stream-" + name);
    thread.setDaemon(true);
    thread.start();
  }

  /** The CPU stream behind the seam's type. */
  static CpuStream of(Stream stream) {
    if (stream instanceof CpuStream own) {
      return own;
    }
    throw new IllegalArgumentException("not a stream of the CPU device: " + stream);
  }

  void launch(Kernel kernel) {
    submit(new Launch(kernel));
  }

  @Override
  public void copy(Memory target, long targetOffset, Memory source, long sourceOffset, long bytes) {
    copy2d(target, targetOffset, bytes, source, sourceOffset, bytes, bytes, 1);
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
    Copies.Request request =
        Copies.Request.of(
            target, targetOffset, targetPitch, source, sourceOffset, sourcePitch, width, height);
    Link link = device.links().between(target, source);
    submit(link == null ? new Copy(request) : new LinkCopy(request, link, System.nanoTime()));
  }

  @Override
  public void record(Event event) {
    checkOpen();
    submit(new Mark(CpuDevice.eventOf(event).startRecording()));
  }

  @Override
  public void await(Event event) {
    checkOpen();
    CpuEvent.Recording recording = CpuDevice.eventOf(event).latest();
    if (recording != null) {
      submit(new Wait(recording));
    }
  }

  @Override
  public void signal(Worker worker) {
    submit(new Signal(worker));
  }

  @Override
  public void synchronize() {
    CpuEvent.Recording recording = new CpuEvent.Recording();
    submit(new Mark(recording));
    recording.join();
    recording.throwIfFailed();
  }

  @Override
  public void close() {
    synchronized (queue) {
      if (!closed) {
        submit(new Stop());
        closed = true;
      }
    }
    Threads.join(thread);
    device.forget(this);
  }

  private void checkOpen() {
    if (closed) {
      throw new IllegalStateException("stream " + name + " is closed");
    }
  }

  private void submit(Entry entry) {
    checkOpen();
    queue.add(entry);
    if (parked) {
      LockSupport.unpark(thread);
    }
  }

  private void run() {
    try (Scratch scratch = new Scratch()) {
      boolean spin = false;
      for (Entry entry = next(false); !(entry instanceof Stop); entry = next(spin)) {
        spin = entry instanceof Launch;
        perform(entry, scratch);
      }
    }
  }

  private void perform(Entry entry, Scratch scratch) {
    try {
      switch (entry) {
        case Mark mark -> mark.recording().complete(failure);
        case Wait wait -> {
          wait.recording().join();
          done = Math.max(done, wait.recording().nanos());
          if (failure == null) {
            wait.recording().throwIfFailed();
          }
        }
        case Launch launch when failure == null -> {
          launch.kernel().run(scratch);
          done = System.nanoTime();
        }
        case Copy copy when failure == null -> {
          Copies.run(copy.request());
          done = System.nanoTime();
        }
        case LinkCopy copy when failure == null ->
            done = copy.link().carry(copy.request(), Math.max(done, copy.submitted()));
        case Signal signal -> signal.worker().signal();
        case Launch skipped -> {}
        case Copy skipped -> {}
        case LinkCopy skipped -> {}
        case Stop stop -> throw new AssertionError("ends the loop");
      }
    } catch (RuntimeException | Error e) {
      // Whatever it was, those who wait for this stream must hear of it.
      failure = new DeviceException("stream " + name + " failed: " + e, e);
    }
  }

  private Entry next(boolean spin) {
    long spinUntil = spin ? System.nanoTime() + SPIN_NANOS : 0;
    while (true) {
      Entry entry = queue.poll();
      if (entry != null) {
        return entry;
      }
      if (spin && System.nanoTime() < spinUntil) {
        Thread.onSpinWait();
        continue;
      }
      parked = true;
      if (queue.isEmpty()) {
        LockSupport.park(this);
      }
      parked = false;
    }
  }
}
