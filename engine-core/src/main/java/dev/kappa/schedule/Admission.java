package dev.kappa.schedule;

/** Decides which prompts a step computes, and which waiting sequences get blocks. */
interface Admission {

  /**
   * Plans prefills into a draft that has its decodes: of running sequences and of waiting ones that
   * are started here.
   */
  void plan(Draft draft);
}
