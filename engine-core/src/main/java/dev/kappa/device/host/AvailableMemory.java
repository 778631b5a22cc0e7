package dev.kappa.device.host;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * Memory that this process can still get: what the machine has left, and what the control groups
 * that the process is in allow (Linux, {@code cgroup-v2.rst} and {@code cgroup-v1/memory.rst}).
 * What cannot be read limits nothing.
 *
 * @param proc where procfs is, {@code /proc}
 * @param groups where control groups are, {@code /sys/fs/cgroup}
 */
record AvailableMemory(Path proc, Path groups) {

  private static final long UNLIMITED = Long.MAX_VALUE;

  /** The files in which a version of control groups keeps its figures. */
  private record Version(String limit, String usage, String reclaimable) {}

  private static final Version V1 =
      new Version("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file");
  private static final Version V2 = new Version("memory.max", "memory.current", "inactive_file");

  /** Bytes that can be allocated without swapping. */
  long bytes() {
    long available = machine();
    for (String line : lines(proc.resolve("self/cgroup"))) {
      // hierarchy:controllers:path, where version 2 has neither number nor controllers
      String[] parts = line.split(":", 3);
      if (parts.length == 3 && parts[1].isEmpty()) {
        available = Math.min(available, hierarchy(groups, parts[2], V2));
      } else if (parts.length == 3 && List.of(parts[1].split(",")).contains("memory")) {
        available = Math.min(available, hierarchy(groups.resolve("memory"), parts[2], V1));
      }
    }
    return available;
  }

  private long machine() {
    for (String line : lines(proc.resolve("meminfo"))) {
      if (line.startsWith("MemAvailable:")) {
        String kib = line.substring(line.indexOf(':') + 1).replace("kB", "").strip();
        long number = number(kib);
        return number == UNLIMITED ? UNLIMITED : number * 1024;
      }
    }
    return UNLIMITED;
  }

  /** The least that a group or one of its ancestors allows. */
  private static long hierarchy(Path root, String path, Version version) {
    Path group = root.resolve(path.replaceFirst("^/+", "")).normalize();
    // In a container the path may be one of the host, and the root the container's own group.
    if (!group.startsWith(root)) {
      group = root;
    }
    long least = UNLIMITED;
    for (int above = group.getNameCount() - root.getNameCount(); above >= 0; above--) {
      least = Math.min(least, allowed(group, version));
      group = above == 0 ? group : group.resolve("..").normalize();
    }
    return least;
  }

  private static long allowed(Path group, Version version) {
    long limit = firstNumber(group.resolve(version.limit()));
    long usage = firstNumber(group.resolve(version.usage()));
    if (limit == UNLIMITED || usage == UNLIMITED) {
      return UNLIMITED;
    }
    long reclaimable = 0;
    for (String line : lines(group.resolve("memory.stat"))) {
      if (line.startsWith(version.reclaimable() + " ")) {
        long number = number(line.substring(version.reclaimable().length() + 1));
        reclaimable = number == UNLIMITED ? 0 : number;
      }
    }
    return Math.clamp(limit - usage + Math.min(reclaimable, usage), 0, limit);
  }

  private static long firstNumber(Path file) {
    List<String> lines = lines(file);
    return lines.isEmpty() ? UNLIMITED : number(lines.getFirst());
  }

  /** A number; {@code max}, and whatever else is none, counts as unlimited. */
  private static long number(String text) {
    try {
      return Long.parseLong(text.strip());
    } catch (NumberFormatException _) {
      return UNLIMITED;
    }
  }

  private static List<String> lines(Path file) {
    try {
      return Files.exists(file) ? Files.readAllLines(file) : List.of();
    } catch (IOException _) {
      return List.of();
    }
  }
}
