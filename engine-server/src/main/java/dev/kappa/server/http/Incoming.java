package dev.kappa.server.http;

/** What a connection's reader hands on, in the order of arrival. */
sealed interface Incoming permits HttpCall, Incoming.Unreadable {

  /** Something that is no acceptable request; the connection cannot go on after it. */
  record Unreadable(ApiError error) implements Incoming {}
}
