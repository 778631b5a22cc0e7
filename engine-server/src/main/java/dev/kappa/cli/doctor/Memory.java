package dev.kappa.cli.doctor;

import com.sun.management.OperatingSystemMXBean;
import java.lang.management.ManagementFactory;
import java.util.List;

/**
 * Main memory in bytes.
 *
 * @param total all that we may use
 * @param available what can be had without swapping
 */
record Memory(long total, long available) {

  static Memory ofMachine() {
    // Knows of a container's limits, but counts the file cache as used.
    OperatingSystemMXBean system = ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class);
    long total = system.getTotalMemorySize();
    long free = system.getFreeMemorySize();
    return new Memory(total, Math.min(total, Math.max(free, fromProc())));
  }

  private static long fromProc() {
    List<String> lines = MachineChecks.lines("/proc/meminfo");
    for (String line : lines) {
      if (line.startsWith("MemAvailable:")) {
        return Long.parseLong(line.replaceAll("\\D", "")) * 1024;
      }
    }
    return 0;
  }
}
