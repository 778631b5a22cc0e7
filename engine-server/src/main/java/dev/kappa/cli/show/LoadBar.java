package dev.kappa.cli.show;

import dev.kappa.engine.LoadProgress;
import java.io.PrintStream;
import java.util.Locale;
import java.util.function.LongSupplier;

/**
 * Shows how far loading is: on a terminal as a bar that grows, elsewhere as a line now and then.
 * Not thread-safe.
 */
public final class LoadBar implements LoadProgress {

  private static final int WIDTH = 30;
  private static final long BAR_NANOS = 50_000_000;
  private static final long LINE_NANOS = 10_000_000_000L;

  private final PrintStream out;
  private final boolean terminal;
  private final LongSupplier clock;
  private final long began;
  private long lastShown;
  private boolean done;

  public LoadBar(PrintStream out, boolean terminal, LongSupplier clock) {
    this.out = out;
    this.terminal = terminal;
    this.clock = clock;
    this.began = clock.getAsLong();
    this.lastShown = began;
  }

  /** On standard error, as a bar if a person watches. */
  public static LoadBar onStandardError() {
    return new LoadBar(System.err, Terminal.isInteractive(), System::nanoTime);
  }

  @Override
  public void onProgress(long doneBytes, long totalBytes) {
    if (done) {
      return;
    }
    long now = clock.getAsLong();
    done = doneBytes >= totalBytes;
    if (!done && now - lastShown < (terminal ? BAR_NANOS : LINE_NANOS)) {
      return;
    }
    lastShown = now;
    if (done) {
      double seconds = (now - began) / 1e9;
      String line =
          String.format(Locale.ROOT, "Loaded %s in %.1f s", Bytes.show(totalBytes), seconds);
      out.println(terminal ? "\r" + line + " ".repeat(WIDTH + 20) : line);
    } else {
      show((double) doneBytes / totalBytes, doneBytes, totalBytes);
    }
    out.flush();
  }

  private void show(double share, long doneBytes, long totalBytes) {
    String amount = Bytes.show(doneBytes) + " of " + Bytes.show(totalBytes);
    int percent = (int) (100 * share);
    if (terminal) {
      int filled = (int) (WIDTH * share);
      String bar = "#".repeat(filled) + ".".repeat(WIDTH - filled);
      out.print("\rLoading [%s] %3d %%  %s   ".formatted(bar, percent, amount));
    } else {
      out.println("Loading: %d %%, %s".formatted(percent, amount));
    }
  }
}
