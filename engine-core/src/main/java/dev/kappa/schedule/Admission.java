package dev.kappa.schedule;

/** Decides which prompts a step computes, and which waiting sequences get blocks. */
interface Admission {

  /**
   * Plans prefills into a draft that has its decodes: of running sequences and of waiting ones that
   * are started here.
   */
  void plan(Draft draft);

  /** Waiting sequences that the last plan left out for what others are producing, not for room. */
  default int deferred() {
    return 0;
  }
}
