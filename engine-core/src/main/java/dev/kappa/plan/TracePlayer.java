package dev.kappa.plan;

import dev.kappa.device.Clock;
import dev.kappa.engine.Engine;
import dev.kappa.engine.EngineException;
import dev.kappa.engine.EngineInfo;
import dev.kappa.engine.Finish;
import dev.kappa.engine.GenerationRequest;
import dev.kappa.engine.OutputListener;
import dev.kappa.sample.SamplingParams;
import java.util.EnumMap;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.function.IntConsumer;

/**
 * Sends an engine a trace's requests and keeps what becomes of them. Each of the trace's blocks
 * becomes tokens of its own. Thread-safe.
 */
final class TracePlayer {

  private static final double NANOS_PER_MILLI = 1e6;

  private final Trace trace;
  private final Engine engine;
  private final Clock clock;
  private final IntConsumer progress;
  private final long start;
  private final Series firstToken = new Series();
  private final Series perToken = new Series();
  private final Series kappa = new Series();
  private final Series load = new Series();
  private final Map<Finish.Bound, Integer> bounds = new EnumMap<>(Finish.Bound.class);
  private int tooLong;
  private int failed;
  private long lastNanos;

  /**
   * @param progress is told how many requests have ended, whenever one has
   */
  TracePlayer(Trace trace, Engine engine, Clock clock, IntConsumer progress) {
    this.trace = trace;
    this.engine = engine;
    this.clock = clock;
    this.progress = progress;
    start = clock.nanos();
  }

  int requests() {
    return trace.requests().size();
  }

  /** When a request arrives, if the first one does now. */
  long arrivalNanos(int number) {
    double first = trace.requests().getFirst().arrivalMillis();
    double offset = trace.requests().get(number).arrivalMillis() - first;
    return start + Math.round(offset * NANOS_PER_MILLI);
  }

  /** Sends a request. */
  void submit(int number) {
    Trace.Request request = trace.requests().get(number);
    int output = Math.max(1, request.outputTokens());
    if (request.inputTokens() + output > engine.info().maxModelLength()) {
      skip();
      return;
    }
    SamplingParams sampling =
        SamplingParams.builder().temperature(0).maxTokens(output).ignoreEos(true).build();
    int[] prompt = prompt(request, number);
    engine.submit(new GenerationRequest("trace-" + number, prompt, sampling), new Listener());
  }

  /** Waits until all requests have ended. */
  synchronized void await() throws InterruptedException {
    while (ended() < requests()) {
      wait();
    }
  }

  /** What became of the requests so far. */
  synchronized Replay result() {
    double duration = (lastNanos - start) / NANOS_PER_MILLI;
    EngineInfo info = engine.info();
    return new Replay(
        firstToken.size(),
        tooLong,
        failed,
        duration,
        firstToken.distribution(),
        perToken.distribution(),
        kappa.distribution(),
        load.distribution(),
        load.sum() / duration,
        share(Finish.Bound.QUEUE),
        share(Finish.Bound.LINK),
        info.maxModelLength(),
        info.kvCapacityTokens(),
        info.hostCapacityTokens(),
        engine.stats());
  }

  private double share(Finish.Bound bound) {
    return bounds.getOrDefault(bound, 0) / (double) Math.max(1, firstToken.size());
  }

  /** Tokens that depend on the blocks' numbers alone, those after them on the request's. */
  private int[] prompt(Trace.Request request, int number) {
    int vocabulary = engine.info().model().vocabularySize();
    int[] tokens = new int[request.inputTokens()];
    int[] blocks = request.blocks();
    for (int block = 0; block * Trace.BLOCK < tokens.length; block++) {
      long seed = block < blocks.length ? blocks[block] : (long) trace.blocks() + number;
      SplittableRandom random = new SplittableRandom(seed);
      int end = Math.min(tokens.length, (block + 1) * Trace.BLOCK);
      for (int i = block * Trace.BLOCK; i < end; i++) {
        tokens[i] = random.nextInt(vocabulary);
      }
    }
    return tokens;
  }

  private int ended() {
    return firstToken.size() + tooLong + failed;
  }

  private synchronized void skip() {
    tooLong++;
    oneMore();
  }

  private synchronized void fail() {
    failed++;
    oneMore();
  }

  private synchronized void finish(Finish finish) {
    Finish.Timings timings = finish.timings();
    firstToken.add(timings.firstToken() / NANOS_PER_MILLI);
    int tokens = finish.usage().completionTokens();
    if (tokens > 1) {
      double decode = (timings.total() - timings.firstToken()) / NANOS_PER_MILLI;
      perToken.add(decode / (tokens - 1));
    }
    kappa.add(finish.usage().kappa());
    if (finish.restored().bytes() > 0) {
      load.add(finish.restored().copyNanos() / NANOS_PER_MILLI);
    }
    bounds.merge(finish.account().bound(), 1, Integer::sum);
    lastNanos = clock.nanos();
    oneMore();
  }

  private void oneMore() {
    notifyAll();
    progress.accept(ended());
  }

  private final class Listener implements OutputListener {

    @Override
    public void onDelta(Delta delta) {}

    @Override
    public void onFinish(Finish finish) {
      TracePlayer.this.finish(finish);
    }

    @Override
    public void onError(EngineException error) {
      TracePlayer.this.fail();
    }
  }
}
