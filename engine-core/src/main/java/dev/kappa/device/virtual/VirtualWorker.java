package dev.kappa.device.virtual;

import dev.kappa.device.Worker;
import org.jspecify.annotations.Nullable;

/** A worker: at most one item of the agenda at a time. */
final class VirtualWorker implements Worker {

  private final Agenda agenda;
  private final String name;
  private final Task task;
  private Agenda.@Nullable Item turn;
  private boolean signalled;
  private boolean onStack;
  private boolean closed;

  VirtualWorker(Agenda agenda, String name, Task task) {
    this.agenda = agenda;
    this.name = name;
    this.task = task;
  }

  @Override
  public void signal() {
    if (closed || signalled) {
      return;
    }
    signalled = true;
    if (!onStack) {
      schedule(agenda.now());
    }
  }

  @Override
  public boolean isCurrent() {
    return agenda.current() == this;
  }

  @Override
  public void close() {
    if (isCurrent()) {
      throw new IllegalStateException("a task cannot close its own worker");
    }
    if (onStack) {
      throw new IllegalStateException(
          "deadlock: worker %s cannot end before what its task waits for has returned"
              .formatted(name));
    }
    if (closed) {
      return;
    }
    closed = true;
    unschedule();
    if (signalled) {
      run();
    }
  }

  /** Runs the task once, and no second time before it has returned. */
  private void run() {
    turn = null;
    signalled = false;
    onStack = true;
    agenda.call(this, this::runTask);
  }

  private void runTask() {
    boolean returned = false;
    try {
      long next = task.run();
      returned = true;
      onStack = false;
      if (closed) {
        return;
      }
      if (signalled) {
        schedule(agenda.now());
      } else if (next != WHEN_SIGNALLED) {
        schedule(next);
      }
    } finally {
      if (!returned) {
        // As a thread would, a worker whose task throws has ended.
        onStack = false;
        closed = true;
      }
    }
  }

  private void schedule(long nanos) {
    unschedule();
    turn = agenda.at(nanos, this::run);
  }

  private void unschedule() {
    if (turn != null) {
      turn.cancel();
      turn = null;
    }
  }
}
