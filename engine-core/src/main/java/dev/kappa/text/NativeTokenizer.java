package dev.kappa.text;

import ai.djl.huggingface.tokenizers.jni.TokenizersLibrary;
import java.util.concurrent.locks.ReentrantReadWriteLock;

/**
 * The native tokenizer behind a handle. Thread-safe: the library only reads the tokenizer, and the
 * lock keeps it alive while a call runs.
 */
final class NativeTokenizer implements AutoCloseable {

  private final TokenizersLibrary library = NativeLibrary.get();
  private final ReentrantReadWriteLock lock = new ReentrantReadWriteLock();
  private final long handle;
  private boolean closed;

  /**
   * Parses the text of a {@code tokenizer.json}; its truncation and padding are switched off.
   *
   * @throws RuntimeException if the library refuses it
   */
  NativeTokenizer(String json) {
    handle = library.createTokenizerFromString(json);
    library.disableTruncation(handle);
    library.disablePadding(handle);
  }

  long[] encode(String text, boolean addSpecialTokens) {
    lock.readLock().lock();
    try {
      long encoding = library.encode(openHandle(), text, addSpecialTokens);
      try {
        return library.getTokenIds(encoding);
      } finally {
        library.deleteEncoding(encoding);
      }
    } finally {
      lock.readLock().unlock();
    }
  }

  String decode(long[] ids, boolean skipSpecialTokens) {
    lock.readLock().lock();
    try {
      return library.decode(openHandle(), ids, skipSpecialTokens);
    } finally {
      lock.readLock().unlock();
    }
  }

  @Override
  public void close() {
    lock.writeLock().lock();
    try {
      if (!closed) {
        closed = true;
        library.deleteTokenizer(handle);
      }
    } finally {
      lock.writeLock().unlock();
    }
  }

  private long openHandle() {
    if (closed) {
      throw new IllegalStateException("the tokenizer is closed");
    }
    return handle;
  }
}
