package dev.kappa.bench;

import dev.kappa.engine.Engine;
import dev.kappa.engine.EngineException;
import dev.kappa.engine.Finish;
import dev.kappa.engine.GenerationRequest;
import dev.kappa.engine.OutputListener;
import dev.kappa.sample.SamplingParams;
import java.util.Random;
import java.util.concurrent.CompletableFuture;

/** Runs one request at a time on random tokens and times it. Not thread-safe. */
final class TimedRequests {

  private final Engine engine;
  private final Random random;

  TimedRequests(Engine engine, Random random) {
    this.engine = engine;
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
    int vocabulary = engine.info().model().vocabularySize();
    int[] prompt = random.ints(promptTokens, 0, vocabulary).toArray();
    SamplingParams sampling =
        SamplingParams.builder().temperature(0).maxTokens(generate).ignoreEos(true).build();
    CompletableFuture<Finish> done = new CompletableFuture<>();
    engine.submit(
        new GenerationRequest("bench", prompt, sampling),
        new OutputListener() {
          @Override
          public void onDelta(Delta delta) {}

          @Override
          public void onFinish(Finish finish) {
            done.complete(finish);
          }

          @Override
          public void onError(EngineException error) {
            done.completeExceptionally(error);
          }
        });
    Finish.Timings timings = done.join().timings();
    double first = timings.firstToken() / 1e9;
    return new Times(first, (timings.total() / 1e9 - first) / Math.max(1, generate - 1));
  }
}
