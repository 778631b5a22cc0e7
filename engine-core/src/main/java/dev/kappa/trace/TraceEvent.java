package dev.kappa.trace;

import java.util.Map;

/** Something that happened; times are nanoseconds of one clock. */
public sealed interface TraceEvent {

  String name();

  /** What is told about it. */
  Map<String, ? extends Number> figures();

  /**
   * Something that took time on a track of its own, where nothing else did meanwhile.
   *
   * @param track its name; tracks come into being by being named
   */
  record Span(
      String track,
      String name,
      long startNanos,
      long endNanos,
      Map<String, ? extends Number> figures)
      implements TraceEvent {}

  /**
   * The beginning of something beside which others of its kind may go on.
   *
   * @param id those with the same one lie within each other
   */
  record Begin(String id, String name, long nanos, Map<String, ? extends Number> figures)
      implements TraceEvent {}

  /** The end of what has begun with the same id and name. */
  record End(String id, String name, long nanos, Map<String, ? extends Number> figures)
      implements TraceEvent {}
}
