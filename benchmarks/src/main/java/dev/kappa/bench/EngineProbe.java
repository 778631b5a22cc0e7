package dev.kappa.bench;

import dev.kappa.engine.Engine;
import dev.kappa.engine.EngineStats;
import dev.kappa.engine.Finish;
import dev.kappa.engine.GenerationRequest;
import dev.kappa.kv.KvStats;
import dev.kappa.sample.SamplingParams;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;

/** Sends an engine requests and waits for what becomes of them. Not thread-safe. */
final class EngineProbe {

  private static final long PAUSE_MILLIS = 1;

  private final Engine engine;
  private final Runnable pause;

  /**
   * @param pause called again and again while waiting; where time is virtual, it has to drive it
   */
  EngineProbe(Engine engine, Runnable pause) {
    this.engine = engine;
    this.pause = pause;
  }

  Engine engine() {
    return engine;
  }

  KvStats kv() {
    return engine.stats().kv();
  }

  /** Any tokens of the vocabulary. */
  int[] randomTokens(int count, Random random) {
    return random.ints(count, 0, engine.info().model().vocabularySize()).toArray();
  }

  /** Continues a prompt greedily by so many tokens. */
  Finish run(int[] prompt, int generate) {
    return runAll(List.of(prompt), generate).getFirst();
  }

  /** Continues several prompts, all submitted at once. */
  List<Finish> runAll(List<int[]> prompts, int generate) {
    SamplingParams sampling =
        SamplingParams.builder().temperature(0).maxTokens(generate).ignoreEos(true).build();
    Stream<CompletableFuture<Finish>> sent =
        prompts.stream()
            .map(prompt -> engine.complete(new GenerationRequest("bench", prompt, sampling)));
    return sent.toList().stream().map(this::await).toList();
  }

  /**
   * Waits until nothing runs and no block is held, so that all stores are done.
   *
   * @return the books as they are then
   */
  KvStats awaitIdle() {
    // Books of a round that began before the last request ended may say that all is quiet.
    forget(false, false);
    EngineStats stats = engine.stats();
    while (stats.running() + stats.waiting() > 0
        || stats.kv().device().used() > 0
        || stats.kv().host().used() > 0) {
      if (stats.failed()) {
        throw new IllegalStateException("the engine has failed");
      }
      pause.run();
      stats = engine.stats();
    }
    return stats.kv();
  }

  /** Forgets what is cached. */
  void forget(boolean device, boolean host) {
    await(engine.clearCache(device, host));
  }

  private <T> T await(CompletableFuture<T> future) {
    while (!future.isDone()) {
      pause.run();
    }
    return future.join();
  }

  /** Looks again after a millisecond; all times are the engine's own. */
  static void sleep() {
    try {
      Thread.sleep(PAUSE_MILLIS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted", e);
    }
  }
}
