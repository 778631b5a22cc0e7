package dev.kappa.schedule;

/** In which order waiting sequences are admitted. */
public enum SchedulePolicy {
  /**
   * So that the link and the device both have work: those that wait for the link are mixed with
   * those that wait for the device, and none is passed more than a bounded number of times.
   */
  KAPPA,
  /** First come, first served; what lies in host memory is loaded ahead of its turn. */
  FCFS
}
