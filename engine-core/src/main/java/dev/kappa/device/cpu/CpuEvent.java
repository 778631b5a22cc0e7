package dev.kappa.device.cpu;

import dev.kappa.device.DeviceException;
import dev.kappa.device.Event;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;

/** An event: the latest of its recordings. */
final class CpuEvent implements Event {

  /** One recording on one stream; completes once. */
  static final class Recording {

    private final CountDownLatch done = new CountDownLatch(1);
    private volatile long nanos;
    private volatile @Nullable DeviceException failure;

    /** Called by the stream's thread when it reaches the recording. */
    void complete(@Nullable DeviceException failed) {
      nanos = System.nanoTime();
      failure = failed;
      done.countDown();
    }

    boolean isComplete() {
      return done.getCount() == 0;
    }

    /** Waits, deaf to interrupts, for completion or failure. */
    void join() {
      boolean interrupted = false;
      while (true) {
        try {
          done.await();
          break;
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }

    /** When it completed. */
    long nanos() {
      return nanos;
    }

    void throwIfFailed() {
      DeviceException failed = failure;
      if (failed != null) {
        throw new DeviceException(String.valueOf(failed.getMessage()), failed);
      }
    }
  }

  private volatile @Nullable Recording latest;
  private volatile boolean closed;

  Recording startRecording() {
    if (closed) {
      throw new IllegalStateException("event is closed");
    }
    Recording recording = new Recording();
    latest = recording;
    return recording;
  }

  /** The latest recording so far, if there was one. */
  @Nullable Recording latest() {
    if (closed) {
      throw new IllegalStateException("event is closed");
    }
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
      recording.join();
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
}
