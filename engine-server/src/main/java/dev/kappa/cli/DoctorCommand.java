package dev.kappa.cli;

import dev.kappa.cli.doctor.Doctor;
import dev.kappa.cli.doctor.Finding;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code kappa doctor}: checks the machine, and a model if one is given. */
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
      description = "Directory of a model to check as well.")
  private @Nullable Path model;

  @Override
  public Integer call() {
    List<Finding> findings = Doctor.examine(model);
    findings.forEach(finding -> spec.commandLine().getOut().println(finding.line()));
    return findings.stream().anyMatch(f -> f.level() == Finding.Level.FAIL) ? 1 : 0;
  }
}
