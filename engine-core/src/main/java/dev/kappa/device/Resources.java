package dev.kappa.device;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.function.Consumer;

/** Things opened one after the other, to be closed in reverse. Not thread-safe. */
public final class Resources implements AutoCloseable {

  private final Deque<Runnable> closers = new ArrayDeque<>();

  /** Takes something that was just opened; returns it. */
  public <T> T own(T resource, Consumer<T> close) {
    closers.push(() -> close.accept(resource));
    return resource;
  }

  /** Closes all, what was taken last first; what is thrown on the way is thrown at the end. */
  @Override
  public void close() {
    RuntimeException thrown = null;
    while (!closers.isEmpty()) {
      try {
        closers.pop().run();
      } catch (RuntimeException e) {
        if (thrown == null) {
          thrown = e;
        } else {
          thrown.addSuppressed(e);
        }
      }
    }
    if (thrown != null) {
      throw thrown;
    }
  }
}
