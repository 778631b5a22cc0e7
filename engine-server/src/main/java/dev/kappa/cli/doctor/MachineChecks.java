package dev.kappa.cli.doctor;

import dev.kappa.cli.show.Bytes;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/** Checks processor, memory and folders. */
final class MachineChecks {

  private static final Set<String> TELLING_FLAGS =
      Set.of(
          "avx2",
          "fma",
          "f16c",
          "avx512f",
          "avx512_vnni",
          "avx512_bf16",
          "amx_bf16",
          "asimd",
          "asimdhp",
          "bf16",
          "sve");

  private MachineChecks() {}

  static List<Finding> run() {
    List<Finding> findings = new ArrayList<>();
    findings.add(processor());
    findings.add(memory());
    findings.add(hugePages());
    findings.add(writable("Temporary folder", Path.of(System.getProperty("java.io.tmpdir"))));
    return findings;
  }

  private static Finding processor() {
    int cores = Runtime.getRuntime().availableProcessors();
    String name = System.getProperty("os.arch");
    Set<String> flags = new TreeSet<>();
    for (String line : lines("/proc/cpuinfo")) {
      int colon = line.indexOf(':');
      if (colon < 0) {
        continue;
      }
      String value = line.substring(colon + 1).strip();
      if (line.startsWith("model name")) {
        name = value;
      } else if (line.startsWith("flags") || line.startsWith("Features")) {
        flags.addAll(List.of(value.split(" ")));
      }
    }
    flags.retainAll(TELLING_FLAGS);
    String found =
        "%s, %d core%s for us%s"
            .formatted(
                name,
                cores,
                cores == 1 ? "" : "s",
                flags.isEmpty() ? "" : "; " + String.join(" ", flags));
    boolean oldX86 = System.getProperty("os.arch").equals("amd64") && !flags.contains("avx2");
    return oldX86 && !flags.isEmpty()
        ? Finding.warn("Processor", found, "without avx2 it computes slowly")
        : Finding.ok("Processor", found);
  }

  private static Finding memory() {
    Memory memory = Memory.ofMachine();
    return Finding.ok(
        "Memory", Bytes.show(memory.available()) + " free of " + Bytes.show(memory.total()));
  }

  private static Finding hugePages() {
    List<String> setting = lines("/sys/kernel/mm/transparent_hugepage/enabled");
    if (setting.isEmpty()) {
      return Finding.ok("Huge pages", "not known on this system");
    }
    String found = "transparent: " + setting.getFirst();
    return setting.getFirst().contains("[never]")
        ? Finding.warn(
            "Huge pages", found, "set transparent_hugepage/enabled to madvise for faster access")
        : Finding.ok("Huge pages", found);
  }

  static Finding writable(String what, Path folder) {
    try {
      Path probe = Files.createTempFile(folder, "kappa-doctor", "");
      Files.delete(probe);
      return Finding.ok(what, folder + " is writable");
    } catch (IOException e) {
      return Finding.fail(what, folder + " is not writable", "make it writable");
    }
  }

  /** The lines of a file of the system; none if it is not there. */
  static List<String> lines(String file) {
    try {
      return Files.readAllLines(Path.of(file));
    } catch (IOException e) {
      return List.of();
    }
  }
}
