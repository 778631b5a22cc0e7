package dev.kappa.device;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.ServiceLoader;

/** Chooses a device by name. */
public final class Devices {

  private Devices() {}

  /**
   * A device and why it was chosen.
   *
   * @param device the caller closes it
   * @param reason one line for the log
   */
  public record Choice(Device device, String reason) {}

  /** All providers on the class path, the preferred first. */
  public static List<DeviceProvider> providers() {
    List<DeviceProvider> found = new ArrayList<>();
    ServiceLoader.load(DeviceProvider.class).forEach(found::add);
    found.sort(Comparator.comparingInt(DeviceProvider::priority).reversed());
    return found;
  }

  /**
   * Opens {@code auto}, a kind such as {@code cpu}, or a kind with an ordinal such as {@code
   * cuda:1}.
   *
   * @throws DeviceException if a named device cannot be used, or none can
   */
  public static Choice open(String name, int threads) {
    return open(name, new DeviceOptions(0, threads, 0, false));
  }

  /**
   * As {@link #open(String, int)}, with all options; the name's ordinal takes the place of theirs.
   */
  public static Choice open(String name, DeviceOptions wanted) {
    String kind = name.contains(":") ? name.substring(0, name.indexOf(':')) : name;
    DeviceOptions options =
        new DeviceOptions(
            ordinal(name), wanted.threads(), wanted.linkBandwidth(), wanted.deterministic());
    List<String> refusals = new ArrayList<>();
    for (DeviceProvider provider : providers()) {
      if (!kind.equals("auto") && !kind.equals(provider.kind())) {
        continue;
      }
      DeviceProvider.Availability found = provider.probe();
      if (found.usable()) {
        String why = kind.equals("auto") && !refusals.isEmpty() ? String.join("; ", refusals) : "";
        String reason = found.reason() + (why.isEmpty() ? "" : " (" + why + ")");
        return new Choice(provider.open(options), reason);
      }
      refusals.add(provider.kind() + ": " + found.reason());
    }
    if (refusals.isEmpty()) {
      String kinds = String.join(", ", providers().stream().map(DeviceProvider::kind).toList());
      throw new DeviceException("no device '" + name + "'; there are auto, " + kinds);
    }
    throw new DeviceException(String.join("; ", refusals));
  }

  private static int ordinal(String name) {
    int colon = name.indexOf(':');
    if (colon < 0) {
      return 0;
    }
    try {
      int ordinal = Integer.parseInt(name.substring(colon + 1));
      if (ordinal >= 0) {
        return ordinal;
      }
    } catch (NumberFormatException e) {
      // Falls through to the message below.
    }
    throw new DeviceException("'" + name + "' does not end in a device number, as cuda:1 does");
  }
}
