package dev.kappa.cli.doctor;

import dev.kappa.device.DeviceProvider;
import dev.kappa.device.Devices;
import java.util.ArrayList;
import java.util.List;

/** Asks every kind of device whether it can be used here. */
final class DeviceChecks {

  private DeviceChecks() {}

  static List<Finding> run() {
    List<Finding> findings = new ArrayList<>();
    boolean any = false;
    for (DeviceProvider provider : Devices.providers()) {
      DeviceProvider.Availability found = provider.probe();
      any |= found.usable();
      String what = "Device " + provider.kind();
      findings.add(
          found.usable()
              ? Finding.ok(what, found.reason())
              : Finding.warn(what, found.reason(), "only needed to compute there"));
    }
    if (!any) {
      findings.add(Finding.fail("Devices", "none can be used", "see the lines above"));
    }
    return findings;
  }
}
