package dev.kappa.cli.doctor;

import dev.kappa.cli.show.Bytes;
import java.util.List;

/** Checks the JVM that runs us. */
final class JavaChecks {

  private static final int NEEDED = 25;

  private JavaChecks() {}

  static List<Finding> run() {
    return List.of(java(), vector(), heap());
  }

  private static Finding java() {
    Runtime.Version version = Runtime.version();
    String found = version + ", " + System.getProperty("java.vendor");
    return version.feature() >= NEEDED
        ? Finding.ok("Java", found)
        : Finding.fail("Java", found, "install a JDK " + NEEDED + " or newer");
  }

  private static Finding vector() {
    if (ModuleLayer.boot().findModule("jdk.incubator.vector").isEmpty()) {
      return Finding.fail(
          "Vector API", "module missing", "start with --add-modules jdk.incubator.vector");
    }
    int bits = VectorWidth.bits();
    String found = bits + " bits, " + bits / Float.SIZE + " floats at once";
    return bits >= 256
        ? Finding.ok("Vector API", found)
        : Finding.warn("Vector API", found, "narrow vectors compute slowly");
  }

  private static Finding heap() {
    // Weights and KV lie outside the heap.
    return Finding.ok("Java heap", "at most " + Bytes.show(Runtime.getRuntime().maxMemory()));
  }
}
