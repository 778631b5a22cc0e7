package dev.kappa.device;

/**
 * A weight matrix {@code [rows, columns]} on the device, in whatever layout the device multiplies
 * fastest. {@code rows} are outputs and {@code columns} inputs, as in a checkpoint's linear layers.
 * Immutable after loading, thread-safe.
 */
public interface Weight extends AutoCloseable {

  int rows();

  int columns();

  DType dtype();

  /** Device memory in use, padding included. */
  long bytes();

  @Override
  void close();
}
