package dev.kappa.device.host;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** What the operating system says about this machine's memory and processor. */
public final class SystemInfo {

  private static final AvailableMemory MEMORY =
      new AvailableMemory(Path.of("/proc"), Path.of("/sys/fs/cgroup"));
  private static final Path PROCESSORS = Path.of("/proc/cpuinfo");

  private SystemInfo() {}

  /** Bytes that can be allocated without swapping; unknown counts as unlimited. */
  public static long availableBytes() {
    return MEMORY.bytes();
  }

  /** The processor's model name, or the architecture where the system does not tell. */
  public static String processorName() {
    String name = field(PROCESSORS, "model name");
    return name.isEmpty() ? System.getProperty("os.arch", "unknown processor") : name;
  }

  private static String field(Path file, String key) {
    if (!Files.isReadable(file)) {
      return "";
    }
    try (var lines = Files.lines(file)) {
      return lines
          .filter(line -> line.startsWith(key))
          .map(line -> line.substring(line.indexOf(':') + 1).strip())
          .findFirst()
          .orElse("");
    } catch (IOException | java.io.UncheckedIOException e) {
      return "";
    }
  }
}
