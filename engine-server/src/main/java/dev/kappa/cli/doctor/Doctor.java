package dev.kappa.cli.doctor;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Runs all checks. */
public final class Doctor {

  private Doctor() {}

  /**
   * What all checks found, in the order to show.
   *
   * @param model a model directory to check as well; null for none
   */
  public static List<Finding> examine(@Nullable Path model) {
    List<Finding> findings = new ArrayList<>();
    findings.addAll(JavaChecks.run());
    findings.addAll(MachineChecks.run());
    findings.addAll(DeviceChecks.run());
    if (model != null) {
      findings.addAll(ModelChecks.run(model));
    }
    return findings;
  }
}
