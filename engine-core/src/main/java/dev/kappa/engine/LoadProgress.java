package dev.kappa.engine;

/** Watches weights load. */
@FunctionalInterface
public interface LoadProgress {

  /** So many bytes of so many are loaded. */
  void onProgress(long doneBytes, long totalBytes);
}
