package dev.kappa.engine;

import dev.kappa.device.DType;
import dev.kappa.device.Device;
import dev.kappa.device.Devices;
import dev.kappa.model.Fixtures;
import dev.kappa.sample.SamplingParams;
import dev.kappa.text.NumericTokenizer;
import java.nio.file.Path;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** An engine over one of the tiny models, and a check at its end that nothing leaked. */
public final class TestEngine implements AutoCloseable {

  /** Long enough for any machine; only failing tests wait for it. */
  private static final long PATIENCE_SECONDS = 120;

  private final Device device;
  private final Engine engine;

  public TestEngine(Path model, EngineOptions options, int threads) {
    this(model, options, Devices.open("cpu", threads).device());
  }

  /** Takes the device over. */
  public TestEngine(Path model, EngineOptions options, Device on) {
    device = on;
    engine =
        Engine.builder(model).options(options).tokenizer(new NumericTokenizer(4096)).start(device);
  }

  /** The directory of a tiny random model among the test resources. */
  public static Path tinyModel(String name) {
    return Fixtures.model(name);
  }

  /** Options for the tiny models, with KV as exact as the arithmetic. */
  public static EngineOptions options(int numBlocks, int blockTokens, int maxSeqs, int maxTokens) {
    return EngineOptions.builder()
        .numBlocks(numBlocks)
        .blockTokens(blockTokens)
        .maxSequences(maxSeqs)
        .maxBatchedTokens(maxTokens)
        .kvDType(DType.F32)
        .seed(1)
        .build();
  }

  public static int[] randomPrompt(Random random, int length, int vocabulary) {
    return random.ints(length, 0, vocabulary).toArray();
  }

  /** Greedy decoding that goes on after end-of-sequence tokens. */
  public static SamplingParams greedy(int maxTokens) {
    return SamplingParams.builder().temperature(0).maxTokens(maxTokens).ignoreEos(true).build();
  }

  public Engine engine() {
    return engine;
  }

  public Collected submit(int[] prompt, SamplingParams sampling) {
    return submit(prompt, sampling, "");
  }

  /** Submits a request whose KV only those with the same salt may share. */
  public Collected submit(int[] prompt, SamplingParams sampling, String salt) {
    return Collected.submit(engine, new GenerationRequest("test", prompt, sampling, salt));
  }

  /**
   * Lets the engine stand still while requests are submitted, so that its next step finds all of
   * them; otherwise the first may have ended before the last has come.
   */
  public void atOnce(Runnable submissions) {
    CountDownLatch stands = new CountDownLatch(1);
    CountDownLatch submitted = new CountDownLatch(1);
    engine.submit(
        new GenerationRequest("standstill", new int[] {0}, greedy(1)),
        new OutputListener() {
          @Override
          public void onDelta(Delta delta) {
            stands.countDown();
            await(submitted);
          }

          @Override
          public void onFinish(Finish finish) {}

          @Override
          public void onError(EngineException error) {
            stands.countDown();
          }
        });
    await(stands);
    try {
      submissions.run();
    } finally {
      submitted.countDown();
    }
  }

  /** Waits, for as long as the test may take. */
  static void await(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Waits until no request runs and no copy is under way; all blocks must be free then. */
  public void awaitIdle() {
    // What was asked before this is in the books once it is done.
    engine.clearCache(false, false).join();
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
    while (isBusy(engine.stats())) {
      if (System.nanoTime() > deadline) {
        throw new AssertionError("still busy, or blocks leaked: " + engine.stats());
      }
      Thread.onSpinWait();
    }
    engine.audit().join();
  }

  private static boolean isBusy(EngineStats stats) {
    int blocks = stats.kv().device().used() + stats.kv().host().used();
    return stats.running() + stats.waiting() + blocks > 0;
  }

  @Override
  public void close() {
    awaitIdle();
    engine.close();
    if (isBusy(engine.stats())) {
      throw new AssertionError("blocks leaked: " + engine.stats());
    }
    long left = device.allocatedBytes();
    device.close();
    if (left != 0) {
      throw new AssertionError(left + " bytes of device memory leaked");
    }
  }
}
