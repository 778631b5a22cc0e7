package dev.kappa.device;

/**
 * A weight matrix {@code [rows, columns]} on the device, or several of one shape, in whatever
 * layout the device multiplies fastest. {@code rows} are outputs and {@code columns} inputs, as in
 * a checkpoint's linear layers. Immutable after loading, thread-safe.
 */
public interface Weight extends AutoCloseable {

  /** How many matrices there are; several only for experts. */
  int matrices();

  /** Outputs of each matrix. */
  int rows();

  /** Inputs of each matrix. */
  int columns();

  /** Device memory in use, padding included. */
  long bytes();

  @Override
  void close();
}
