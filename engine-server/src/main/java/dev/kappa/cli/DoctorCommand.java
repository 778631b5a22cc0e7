package dev.kappa.cli;

import dev.kappa.cli.doctor.Doctor;
import dev.kappa.cli.doctor.Finding;
import dev.kappa.cli.doctor.KernelChecks;
import dev.kappa.device.Device;
import dev.kappa.device.check.Extent;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code kappa doctor}: checks the machine, and a model or a device's kernels if asked to. */
@Command(
    name = "doctor",
    description = "Shows what this machine offers, and whether a model can be served on it.",
    mixinStandardHelpOptions = true)
final class DoctorCommand implements Callable<Integer> {

  @SuppressWarnings("NullAway.Init") // set by picocli
  @Spec
  private CommandSpec spec;

  @Parameters(
      arity = "0..1",
      paramLabel = "MODEL",
      description = "Directory of a model, or a GGUF file, to check as well.")
  private @Nullable Path model;

  @Mixin private final DeviceFlags device = new DeviceFlags();

  @Option(
      names = "--kernels",
      description =
          "Compare all kernels of the device with the processor's, and time them; so it is if "
              + "--device is given.")
  private boolean kernels;

  @Option(
      names = "--quick",
      description = "Compare kernels in small shapes only, whose times say little.")
  private boolean quick;

  @Override
  public Integer call() {
    PrintWriter out = spec.commandLine().getOut();
    List<Finding> findings = Doctor.examine(model);
    findings.forEach(finding -> out.println(finding.line()));
    boolean healthy = findings.stream().noneMatch(f -> f.level() == Finding.Level.FAIL);
    if (kernels || quick || spec.commandLine().getParseResult().hasMatchedOption("--device")) {
      out.flush();
      healthy &= checkKernels(out);
    }
    return healthy ? 0 : 1;
  }

  private boolean checkKernels(PrintWriter out) {
    try (Device opened = device.open().device()) {
      return KernelChecks.run(
          opened,
          device.threads(),
          quick ? Extent.QUICK : Extent.FULL,
          ThreadLocalRandom.current().nextLong(1_000_000_000),
          line -> {
            out.println(line);
            out.flush();
          });
    }
  }
}
