package dev.kappa.engine;

/** A submitted request. Thread-safe. */
public interface RequestHandle {

  /** The request's id. */
  String id();

  /**
   * Asks to end the request; its blocks are freed before the next step and its listener gets a
   * finish with {@link Finish.Reason#ABORT}. Does nothing if it has ended.
   */
  void cancel();
}
