package dev.kappa.cli;

import dev.kappa.device.DeviceException;
import dev.kappa.engine.EngineException;
import dev.kappa.model.ModelException;
import dev.kappa.plan.PlanException;
import dev.kappa.text.TextException;
import java.io.IOException;

/** Which failures a message explains, so that a stack trace would only be noise. */
final class Failures {

  private Failures() {}

  static boolean isExpected(Exception e) {
    return switch (e) {
      case ModelException m -> true;
      case DeviceException d -> true;
      case TextException t -> true;
      case EngineException n -> n.kind() != EngineException.Kind.INTERNAL;
      case PlanException p -> true;
      case IOException i -> true;
      default -> false;
    };
  }
}
