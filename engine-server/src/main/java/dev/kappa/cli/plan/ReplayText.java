package dev.kappa.cli.plan;

import dev.kappa.plan.Distribution;
import dev.kappa.plan.Replay;

/** Writes a replay's result for people. */
public final class ReplayText {

  private ReplayText() {}

  /** One table and what does not fit into it. */
  public static String of(Replay replay) {
    Table table = new Table().row("", "mean", "p50", "p90", "p99");
    times(table, "first token", replay.firstTokenMillis());
    times(table, "per output token", replay.perTokenMillis());
    times(table, "load, where there is one", replay.loadMillis());
    Distribution kappa = replay.kappa();
    table.row(
        "κ",
        Figures.kappa(kappa.mean()),
        Figures.kappa(kappa.p50()),
        Figures.kappa(kappa.p90()),
        Figures.kappa(kappa.p99()));
    long prompts = Math.max(1, replay.stats().promptTokens());
    return """

    Replayed by the engine in virtual time: %,d requests in %s
    %s  Not replayed: %,d longer than the context of %,d tokens; %,d failed.
      Waited longest for others: %s, for the load of their prefix: %s, else for computing.
      Prompt tokens cached: %s, of these from host memory: %s. Link use: %s.
      Steps: %,d, preemptions: %,d. KV tokens: %,d on the device, %,d in host memory.
    """
        .formatted(
            replay.finished(),
            Figures.millis(replay.durationMillis()),
            table.show(),
            replay.tooLong(),
            replay.maxModelLength(),
            replay.failed(),
            Figures.percent(replay.queueBound()),
            Figures.percent(replay.linkBound()),
            Figures.percent(replay.stats().cachedPromptTokens() / (double) prompts),
            Figures.percent(
                replay.stats().hostPromptTokens()
                    / (double) Math.max(1, replay.stats().cachedPromptTokens())),
            Figures.percent(replay.linkUse()),
            replay.stats().steps(),
            replay.stats().preemptions(),
            replay.deviceTokens(),
            replay.hostTokens());
  }

  private static void times(Table table, String what, Distribution millis) {
    table.row(
        what,
        Figures.millis(millis.mean()),
        Figures.millis(millis.p50()),
        Figures.millis(millis.p90()),
        Figures.millis(millis.p99()));
  }
}
