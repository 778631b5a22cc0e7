package dev.kappa.bench;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;

/**
 * Where something was measured.
 *
 * @param processor its model name
 * @param cores processors that this process may use
 * @param memoryBytes physical memory
 * @param system operating system and architecture
 * @param java the JVM
 * @param load processes that wanted to run when the measurement began, averaged over a minute; near
 *     0 on a quiet machine, negative if unknown
 */
record Machine(
    String processor, int cores, long memoryBytes, String system, String java, double load) {

  private static final Path CPU_INFO = Path.of("/proc/cpuinfo");

  static Machine here() {
    var system = ManagementFactory.getOperatingSystemMXBean();
    long memory =
        system instanceof com.sun.management.OperatingSystemMXBean known
            ? known.getTotalMemorySize()
            : -1;
    return new Machine(
        processorName(),
        Runtime.getRuntime().availableProcessors(),
        memory,
        property("os.name") + " " + property("os.version") + " " + property("os.arch"),
        property("java.vm.name") + " " + property("java.vm.version"),
        system.getSystemLoadAverage());
  }

  @Override
  public String toString() {
    return "%s, %d cores, %.0f GiB, %s, %s, load %.1f"
        .formatted(processor, cores, memoryBytes / (double) (1L << 30), system, java, load);
  }

  private static String processorName() {
    if (Files.isReadable(CPU_INFO)) {
      try (Stream<String> lines = Files.lines(CPU_INFO)) {
        return lines
            .filter(line -> line.startsWith("model name"))
            .map(line -> line.substring(line.indexOf(':') + 1).strip())
            .findFirst()
            .orElse("unknown processor");
      } catch (IOException e) {
        return "unknown processor";
      }
    }
    return "unknown processor";
  }

  private static String property(String name) {
    return System.getProperty(name, "unknown");
  }
}
