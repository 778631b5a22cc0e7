package dev.kappa.bench;

import dev.kappa.engine.Engine;
import dev.kappa.engine.Finish;
import java.util.Random;

/** Runs one request at a time on random tokens and times it. Not thread-safe. */
final class TimedRequests {

  private final EngineProbe probe;
  private final Random random;

  TimedRequests(Engine engine, Random random) {
    probe = new EngineProbe(engine, EngineProbe::sleep);
    this.random = random;
  }

  /**
   * One request's times.
   *
   * @param firstTokenSeconds from submission to the first token
   * @param secondsPerToken from the first token to the last, per token
   */
  record Times(double firstTokenSeconds, double secondsPerToken) {}

  /** Prefills so many random tokens and generates so many more, greedily. */
  Times run(int promptTokens, int generate) {
    int[] prompt = probe.randomTokens(promptTokens, random);
    Finish.Timings timings = probe.run(prompt, generate).timings();
    double first = timings.firstToken() / 1e9;
    return new Times(first, (timings.total() / 1e9 - first) / Math.max(1, generate - 1));
  }
}
