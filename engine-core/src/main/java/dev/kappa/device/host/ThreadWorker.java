package dev.kappa.device.host;

import dev.kappa.device.Worker;

/** A worker that is a thread; for devices whose time is {@link System#nanoTime}. */
public final class ThreadWorker implements Worker {

  private final Task task;
  private final Thread thread;
  private final Object lock = new Object();
  private boolean signalled;
  private boolean closed;

  public ThreadWorker(String name, Task task) {
    this.task = task;
    thread = Thread.ofPlatform().name("kappa-" + name).daemon().start(this::loop);
  }

  @Override
  public void signal() {
    synchronized (lock) {
      // A task that signals itself must not keep a closed worker going.
      if (!closed) {
        signalled = true;
        lock.notifyAll();
      }
    }
  }

  @Override
  public boolean isCurrent() {
    return Thread.currentThread() == thread;
  }

  @Override
  public void close() {
    if (isCurrent()) {
      throw new IllegalStateException("a task cannot close its own worker");
    }
    synchronized (lock) {
      closed = true;
      lock.notifyAll();
    }
    Threads.join(thread);
  }

  private void loop() {
    long next = WHEN_SIGNALLED;
    while (awaitTurn(next)) {
      next = task.run();
    }
  }

  /** Waits for a signal or the time; false once closed with no signal left. */
  private boolean awaitTurn(long time) {
    synchronized (lock) {
      while (!signalled && !closed) {
        long now = System.nanoTime();
        // Not their difference, which overflows for times far in the past.
        if (time <= now) {
          return true;
        }
        pause(time == WHEN_SIGNALLED ? WHEN_SIGNALLED : time - now);
      }
      boolean turn = signalled;
      signalled = false;
      return turn;
    }
  }

  private void pause(long nanos) {
    try {
      if (nanos == WHEN_SIGNALLED) {
        lock.wait();
      } else {
        lock.wait(nanos / 1_000_000, (int) (nanos % 1_000_000));
      }
    } catch (InterruptedException _) {
      // Only close ends this thread; whoever it works for may have left it interrupted.
    }
  }
}
