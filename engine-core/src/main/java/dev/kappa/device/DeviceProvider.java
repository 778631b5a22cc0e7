package dev.kappa.device;

/** Finds a kind of device on this machine; discovered by {@link java.util.ServiceLoader}. */
public interface DeviceProvider {

  /** The kind it provides, as given to {@code --device}. */
  String kind();

  /** Providers are tried by {@code auto} from high to low. */
  int priority();

  /** Looks without claiming anything; never throws for a machine that lacks the device. */
  Availability probe();

  /**
   * Opens the device.
   *
   * @throws DeviceException if it cannot be used, with the reason in one line
   */
  Device open(DeviceOptions options);

  /**
   * The outcome of a probe.
   *
   * @param usable whether {@link #open} is expected to work
   * @param reason one line for people: what was found, or what is missing and how to get it
   */
  record Availability(boolean usable, String reason) {}
}
