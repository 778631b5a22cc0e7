package dev.kappa.kv.transfer;

/** Hears of copies that are done. Called by any thread that takes note of one, briefly. */
@FunctionalInterface
public interface CopyListener {

  /**
   * A piece of a transfer has moved; times are those of the device's clock.
   *
   * @param stream the name of the stream that it moved on, where pieces follow each other
   */
  void onCopied(String stream, long startNanos, long endNanos, long bytes);
}
