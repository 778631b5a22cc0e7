package dev.kappa.cli;

import picocli.CommandLine.Option;

/** The flags that choose a device. */
final class DeviceFlags {

  @Option(
      names = "--device",
      paramLabel = "NAME",
      defaultValue = "auto",
      description = "auto, cpu, or another kind that doctor lists, as in cuda:1 (default: auto).")
  private String name = "auto";

  @Option(
      names = "--threads",
      paramLabel = "COUNT",
      defaultValue = "0",
      description = "Threads of a CPU device (default: one per core).")
  private int threads;

  String name() {
    return name;
  }

  int threads() {
    return threads;
  }
}
