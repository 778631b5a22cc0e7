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

  /**
   * Closes what was taken last first. What throws is thrown on, and the rest stays for another try.
   */
  @Override
  public void close() {
    while (!closers.isEmpty()) {
      closers.pop().run();
    }
  }
}
