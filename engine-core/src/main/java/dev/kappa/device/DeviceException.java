package dev.kappa.device;

/** A device that cannot do what was asked: no memory, a failed kernel or copy, a lost context. */
public final class DeviceException extends RuntimeException {

  private static final long serialVersionUID = 1;

  public DeviceException(String message) {
    super(message);
  }

  public DeviceException(String message, Throwable cause) {
    super(message, cause);
  }
}
