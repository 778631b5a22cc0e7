package dev.kappa.cuda;

/** A call of the NVIDIA driver that failed; the message names the call and its result code. */
final class CudaException extends RuntimeException {

  private static final long serialVersionUID = 1;

  CudaException(String message) {
    super(message);
  }
}
