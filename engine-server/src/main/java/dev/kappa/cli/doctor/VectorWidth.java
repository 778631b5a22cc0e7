package dev.kappa.cli.doctor;

import jdk.incubator.vector.FloatVector;

/** Asks the Vector API; a class of its own, because it cannot load where the module is missing. */
final class VectorWidth {

  private VectorWidth() {}

  static int bits() {
    return FloatVector.SPECIES_PREFERRED.vectorBitSize();
  }
}
