package dev.kappa.device.virtual;

import java.util.Comparator;
import java.util.PriorityQueue;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * What will happen, by virtual time and then in the order in which it was put down. Owns the time
 * and knows whose turn it is. Confined to one thread at a time.
 */
final class Agenda {

  /** Something that will happen unless it is cancelled. */
  static final class Item {
    private final long nanos;
    private final long order;
    private final Runnable action;
    private boolean cancelled;

    private Item(long nanos, long order, Runnable action) {
      this.nanos = nanos;
      this.order = order;
      this.action = action;
    }

    /** Makes it as if the item had never been put down: time does not advance to it either. */
    void cancel() {
      cancelled = true;
    }
  }

  private final PriorityQueue<Item> items =
      new PriorityQueue<>(
          Comparator.<Item>comparingLong(item -> item.nanos).thenComparingLong(item -> item.order));
  private long now;
  private long count;
  private @Nullable VirtualWorker current;
  private @Nullable RuntimeException failure;

  long now() {
    return now;
  }

  /** The worker whose task is running at the top of the stack, if any. */
  @Nullable VirtualWorker current() {
    return current;
  }

  /** Puts an item down; a time that has passed means now. */
  Item at(long nanos, Runnable action) {
    Item item = new Item(Math.max(nanos, now), count++, action);
    items.add(item);
    return item;
  }

  /**
   * Runs something of a worker's, or of nobody's, and hands on what it throws. Inside another
   * worker's task that waits until the outermost driver is reached: the other one is not to blame,
   * and might take it for a failure of its own.
   */
  void call(@Nullable VirtualWorker worker, Runnable action) {
    VirtualWorker outer = current;
    current = worker;
    try {
      action.run();
    } catch (RuntimeException | Error e) {
      if (outer == null) {
        throw e;
      }
      if (failure == null) {
        failure = new IllegalStateException("failed at %d ns: %s".formatted(now, e), e);
      } else {
        failure.addSuppressed(e);
      }
    } finally {
      current = outer;
    }
  }

  /** Runs everything until nothing is left. */
  void run() {
    while (next(Long.MAX_VALUE)) {}
  }

  /** Runs what is due up to a time, at which it then is. */
  void runUntil(long nanos) {
    while (next(nanos)) {}
    now = Math.max(now, nanos);
  }

  /**
   * Runs what comes next until a condition holds.
   *
   * @param what who waits for what, for the message
   * @throws IllegalStateException if nothing is left that could make it hold
   */
  void runUntil(BooleanSupplier done, String what) {
    while (!done.getAsBoolean()) {
      if (!next(Long.MAX_VALUE)) {
        throw new IllegalStateException(
            "deadlock at %d ns: %s, but nothing is left to happen".formatted(now, what));
      }
    }
  }

  private boolean next(long limit) {
    Item item = items.peek();
    while (item != null && item.cancelled) {
      items.remove();
      item = items.peek();
    }
    if (item == null || item.nanos > limit) {
      return false;
    }
    items.remove();
    now = item.nanos;
    item.action.run();
    throwFailure();
    return true;
  }

  private void throwFailure() {
    RuntimeException failed = failure;
    if (failed != null && current == null) {
      failure = null;
      throw failed;
    }
  }
}
