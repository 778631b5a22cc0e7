package dev.kappa.engine;

import java.util.function.LongConsumer;

/** Turns the sizes of loaded tensors into progress. Not thread-safe. */
final class ProgressSum implements LongConsumer {

  private final LoadProgress progress;
  private final long total;
  private long done;

  ProgressSum(LoadProgress progress, long total) {
    this.progress = progress;
    this.total = total;
  }

  @Override
  public void accept(long bytes) {
    done += bytes;
    progress.onProgress(done, total);
  }
}
