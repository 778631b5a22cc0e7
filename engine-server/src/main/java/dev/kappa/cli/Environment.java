package dev.kappa.cli;

/** What the help texts say about the environment. */
final class Environment {

  static final String FOOTER =
      "%nEvery option has a twin in the environment: --max-model-len is KAPPA_MAX_MODEL_LEN.";

  private Environment() {}
}
