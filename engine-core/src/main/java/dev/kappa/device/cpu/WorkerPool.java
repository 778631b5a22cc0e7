package dev.kappa.device.cpu;

import dev.kappa.device.host.Threads;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * A fixed set of threads that share the items of one job at a time. The calling thread works too;
 * the others wait for the next job spinning for a moment, then parked, so that an idle engine costs
 * nothing and a busy machine is not made busier.
 *
 * <p>Thread-safe: a call that finds the pool busy with another caller's job does all of its own.
 */
final class WorkerPool implements AutoCloseable {

  /** How long a helper looks for the next job before it parks: about two thread wake-ups. */
  private static final long SPIN_NANOS = 40_000;

  /** What a job does with one item. */
  @FunctionalInterface
  interface Work {
    void run(Scratch scratch, int item);
  }

  private static final class Job {
    final Work work;
    final int items;
    final AtomicInteger next = new AtomicInteger();
    final AtomicInteger helpers = new AtomicInteger();
    volatile @Nullable Throwable failure;

    Job(Work work, int items) {
      this.work = work;
      this.items = items;
    }

    void work(Scratch scratch) {
      try {
        for (int i = next.getAndIncrement(); i < items; i = next.getAndIncrement()) {
          work.run(scratch, i);
        }
      } catch (RuntimeException | Error e) {
        failure = e;
        next.set(items);
      }
    }
  }

  private final List<Helper> helpers = new ArrayList<>();
  private final AtomicBoolean busy = new AtomicBoolean();
  private volatile @Nullable Job current;
  private volatile boolean closed;

  /** Makes a pool of {@code threads} workers, the caller of {@link #run} counted as one. */
  WorkerPool(int threads) {
    for (int i = 1; i < threads; i++) {
      Helper helper = new Helper("kappa-worker-" + i);
      helpers.add(helper);
      helper.start();
    }
  }

  /** Workers, the caller included. */
  int threads() {
    return helpers.size() + 1;
  }

  /**
   * Runs all items and returns when they are done, whoever did them.
   *
   * @param scratch the calling thread's
   */
  void run(Scratch scratch, int items, Work work) {
    if (items <= 1 || helpers.isEmpty() || !busy.compareAndSet(false, true)) {
      for (int i = 0; i < items; i++) {
        work.run(scratch, i);
      }
      return;
    }
    try {
      share(scratch, new Job(work, items));
    } finally {
      busy.set(false);
    }
  }

  // A helper without a processor gets this one's: parking would take longer than its chunk.
  @SuppressWarnings("ThreadPriorityCheck")
  private void share(Scratch scratch, Job job) {
    current = job;
    int wanted = Math.min(helpers.size(), job.items - 1);
    for (int i = 0; i < wanted; i++) {
      helpers.get(i).wake();
    }
    job.work(scratch);
    current = null;
    long spinUntil = System.nanoTime() + SPIN_NANOS;
    while (job.helpers.get() > 0) {
      if (System.nanoTime() < spinUntil) {
        Thread.onSpinWait();
      } else {
        Thread.yield();
      }
    }
    Throwable failure = job.failure;
    if (failure instanceof RuntimeException e) {
      throw e;
    } else if (failure instanceof Error e) {
      throw e;
    }
  }

  /** Ends the threads after the job they are in. */
  @Override
  public void close() {
    closed = true;
    for (Helper helper : helpers) {
      helper.wake();
    }
    for (Helper helper : helpers) {
      Threads.join(helper);
    }
  }

  private final class Helper extends Thread {

    private volatile boolean parked;

    Helper(String name) {
      super(name);
      setDaemon(true);
    }

    void wake() {
      if (parked) {
        LockSupport.unpark(this);
      }
    }

    @Override
    public void run() {
      try (Scratch scratch = new Scratch()) {
        Job last = null;
        for (Job job = next(last); job != null; job = next(last)) {
          // Counted in before the first claim: the caller waits for every counted helper, and a
          // helper that comes later finds no item left.
          job.helpers.incrementAndGet();
          job.work(scratch);
          job.helpers.decrementAndGet();
          last = job;
        }
      }
    }

    /** Waits for a job other than {@code last}; null when the pool closes. */
    private @Nullable Job next(@Nullable Job last) {
      long spinUntil = System.nanoTime() + SPIN_NANOS;
      while (!closed) {
        Job job = current;
        if (job != null && job != last) {
          return job;
        }
        if (System.nanoTime() < spinUntil) {
          Thread.onSpinWait();
        } else {
          parked = true;
          job = current;
          if ((job == null || job == last) && !closed) {
            LockSupport.park(this);
          }
          parked = false;
          spinUntil = System.nanoTime() + SPIN_NANOS;
        }
      }
      return null;
    }
  }
}
