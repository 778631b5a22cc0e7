package dev.kappa.server.testing;

import java.time.Duration;

/** How long tests wait for what has to come: only a failure takes as long, on any machine. */
public final class Patience {

  public static final Duration LIMIT = Duration.ofMinutes(2);

  private Patience() {}
}
