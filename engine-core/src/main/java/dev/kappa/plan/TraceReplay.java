package dev.kappa.plan;

import dev.kappa.device.virtual.VirtualDevice;
import dev.kappa.device.virtual.VirtualOptions;
import dev.kappa.engine.Engine;
import dev.kappa.engine.EngineException;
import dev.kappa.engine.EngineInfo;
import dev.kappa.engine.EngineOptions;
import dev.kappa.engine.EngineStats;
import dev.kappa.engine.Finish;
import dev.kappa.engine.GenerationRequest;
import dev.kappa.engine.OutputListener;
import dev.kappa.model.ModelShapes;
import dev.kappa.roofline.Machine;
import dev.kappa.sample.SamplingParams;
import dev.kappa.text.NumericTokenizer;
import java.nio.file.Path;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.IntConsumer;

/**
 * Lets the real engine serve a trace on a {@link VirtualDevice}: its scheduler, its KV blocks, its
 * transfers, with kernels and copies that take what the roofline says. Each of the trace's blocks
 * becomes tokens of its own. For one thread.
 */
public final class TraceReplay {

  private static final double NANOS_PER_MILLI = 1e6;

  /** For batches and logits, beside KV. */
  private static final long OTHER_HOST_BYTES = 4L << 30;

  private final Trace trace;
  private final VirtualDevice device;
  private final Engine engine;
  private final IntConsumer progress;
  private final Series firstToken = new Series();
  private final Series perToken = new Series();
  private final Series kappa = new Series();
  private final Series load = new Series();
  private int tooLong;
  private int failed;
  private double lastMillis;

  private TraceReplay(Trace trace, VirtualDevice device, Engine engine, IntConsumer progress) {
    this.trace = trace;
    this.device = device;
    this.engine = engine;
    this.progress = progress;
  }

  /**
   * Replays a trace to its end.
   *
   * @param model a model's folder; only its {@code config.json} is needed
   * @param options how the engine runs; whether its weights are dummies does not matter
   * @param progress is told how many requests have ended, whenever one has
   * @throws dev.kappa.model.ModelException if the engine cannot run the model
   * @throws EngineException if the model does not fit the machine
   */
  public static Replay run(
      Path model, Machine machine, EngineOptions options, Trace trace, IntConsumer progress) {
    VirtualOptions memory =
        VirtualOptions.defaults()
            .withDeviceBytes(machine.deviceBytes())
            .withHostBytes(Math.max(0, options.hostBytes()) + OTHER_HOST_BYTES);
    int vocabulary = ModelShapes.read(model).shape().vocabulary();
    try (VirtualDevice device = new VirtualDevice(machine.profile(), memory, options.seed());
        Engine engine =
            Engine.builder(model)
                .options(options)
                .tokenizer(new NumericTokenizer(vocabulary))
                .start(device)) {
      return new TraceReplay(trace, device, engine, progress).run();
    }
  }

  private Replay run() {
    List<Trace.Request> requests = trace.requests();
    long start = device.clock().nanos();
    double first = requests.getFirst().arrivalMillis();
    for (int i = 0; i < requests.size(); i++) {
      int number = i;
      double offset = requests.get(i).arrivalMillis() - first;
      device.at(start + Math.round(offset * NANOS_PER_MILLI), () -> submit(number));
    }
    device.run();
    double duration = lastMillis - start / NANOS_PER_MILLI;
    EngineInfo info = engine.info();
    EngineStats stats = engine.stats();
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
        info.maxModelLength(),
        info.kvCapacityTokens(),
        info.hostCapacityTokens(),
        stats);
  }

  private void submit(int number) {
    Trace.Request request = trace.requests().get(number);
    int output = Math.max(1, request.outputTokens());
    if (request.inputTokens() + output > engine.info().maxModelLength()) {
      tooLong++;
      ended();
      return;
    }
    SamplingParams sampling =
        SamplingParams.builder().temperature(0).maxTokens(output).ignoreEos(true).build();
    int[] prompt = prompt(request, number);
    engine.submit(new GenerationRequest("trace-" + number, prompt, sampling), new Listener());
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

  private void ended() {
    progress.accept(firstToken.size() + tooLong + failed);
  }

  private final class Listener implements OutputListener {

    @Override
    public void onDelta(Delta delta) {}

    @Override
    public void onFinish(Finish finish) {
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
      lastMillis = device.clock().nanos() / NANOS_PER_MILLI;
      ended();
    }

    @Override
    public void onError(EngineException error) {
      failed++;
      ended();
    }
  }
}
