package dev.kappa.engine;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import dev.kappa.device.virtual.VirtualDevice;
import dev.kappa.device.virtual.VirtualModels;
import dev.kappa.device.virtual.VirtualOptions;
import dev.kappa.roofline.HardwareProfile;
import dev.kappa.roofline.ModelShape;
import dev.kappa.roofline.Roofline;
import dev.kappa.text.NumericTokenizer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * The real engine on a virtual machine: requests come at virtual times, and when each of their
 * tokens came is kept. Closing it checks that nothing leaked.
 */
final class VirtualEngine implements AutoCloseable {

  static final ModelShape LLAMA_8B = VirtualModels.llama8B();

  /** An H100 on PCIe 5, as achieved rather than as rated. */
  static final HardwareProfile H100 = machine(5e14, 57e9);

  private static final long LAUNCH_NANOS = 2_000;
  private static final long COPY_NANOS = 5_000;
  private static final int POSITIONS = 1 << 20;

  private final HardwareProfile hardware;
  private final ModelShape shape;
  private final VirtualDevice device;
  private final Engine engine;
  private final List<Request> requests = new ArrayList<>();

  VirtualEngine(Path folder, HardwareProfile hardware, EngineOptions.Builder options) {
    this(folder, LLAMA_8B, hardware, VirtualOptions.defaults(), options, 1);
  }

  /**
   * @param folder for the model's description
   * @param seed of the virtual device's jitter
   */
  VirtualEngine(
      Path folder,
      ModelShape shape,
      HardwareProfile hardware,
      VirtualOptions machine,
      EngineOptions.Builder options,
      long seed) {
    this.hardware = hardware;
    this.shape = shape;
    device = new VirtualDevice(hardware, machine, seed);
    engine =
        Engine.builder(VirtualModels.write(folder, shape, POSITIONS))
            .options(options.dummyWeights(true).build())
            .tokenizer(new NumericTokenizer(shape.vocabulary()))
            .start(device);
  }

  /** A machine with the memory of an H100. */
  static HardwareProfile machine(double flopsPerSecond, double linkBytesPerSecond) {
    return new HardwareProfile(
        "virtual",
        flopsPerSecond,
        linkBytesPerSecond,
        linkBytesPerSecond,
        3.35e12,
        LAUNCH_NANOS,
        COPY_NANOS);
  }

  /** Room on the device for 64 Ki tokens of the 8B model, and for a million on the host. */
  static EngineOptions.Builder options() {
    return EngineOptions.builder()
        .blockTokens(16)
        .numBlocks(4096)
        .maxModelLength(65_536)
        .maxSequences(64)
        .maxBatchedTokens(2048)
        .hostBytes(128L << 30)
        .seed(1);
  }

  /** One request: when what happened to it, by the virtual clock. */
  static final class Request implements OutputListener {
    private final List<Long> tokens = new ArrayList<>();
    private final VirtualDevice device;
    private long submitted = -1;
    private @Nullable Finish finish;
    private @Nullable RequestHandle handle;

    private Request(VirtualDevice device) {
      this.device = device;
    }

    @Override
    public void onDelta(Delta delta) {
      for (int i = 0; i < delta.tokens().length; i++) {
        tokens.add(device.clock().nanos());
      }
    }

    @Override
    public void onFinish(Finish end) {
      assertThat(finish).isNull();
      finish = end;
    }

    @Override
    public void onError(EngineException error) {
      throw new AssertionError("a request failed", error);
    }

    /** When each token came. */
    List<Long> tokens() {
      return tokens;
    }

    boolean isFinished() {
      return finish != null;
    }

    Finish finish() {
      Finish end = finish;
      if (end == null) {
        throw new AssertionError("a request has not ended, after " + tokens.size() + " tokens");
      }
      return end;
    }

    /** Nanoseconds from submission to the first token. */
    long firstToken() {
      return finish().timings().firstToken();
    }

    /** When it ended. */
    long end() {
      return submitted + finish().timings().total();
    }

    /** Nanoseconds between tokens, those alone that came within a stretch of time. */
    List<Long> gaps(long from, long to) {
      List<Long> gaps = new ArrayList<>();
      for (int i = 1; i < tokens.size(); i++) {
        if (tokens.get(i - 1) >= from && tokens.get(i) <= to) {
          gaps.add(tokens.get(i) - tokens.get(i - 1));
        }
      }
      return gaps;
    }
  }

  /** Tokens without a meaning; those of other seeds share no block with them. */
  static int[] prompt(long seed, int length) {
    return new Random(seed).ints(length, 1, 100_000).toArray();
  }

  /** Tokens and more of them. */
  static int[] extend(int[] prefix, long seed, int more) {
    return IntStream.concat(IntStream.of(prefix), IntStream.of(prompt(seed, more))).toArray();
  }

  Engine engine() {
    return engine;
  }

  Roofline roofline() {
    return new Roofline(shape, hardware);
  }

  long now() {
    return device.clock().nanos();
  }

  /** Submits a request at a time; greedy, and it goes on for all of its tokens. */
  Request submit(long nanos, int[] prompt, int maxTokens) {
    Request request = new Request(device);
    requests.add(request);
    GenerationRequest generation =
        new GenerationRequest("request-" + requests.size(), prompt, TestEngine.greedy(maxTokens));
    device.at(
        nanos,
        () -> {
          request.submitted = device.clock().nanos();
          request.handle = engine.submit(generation, request);
        });
    return request;
  }

  /** Does something at a time. */
  void at(long nanos, Runnable action) {
    device.at(nanos, action);
  }

  /** Cancels a request at a time. */
  void cancelAt(long nanos, Request request) {
    device.at(nanos, () -> requireNonNull(request.handle).cancel());
  }

  /** Submits a request now and lets everything come to its end. */
  Request complete(int[] prompt, int maxTokens) {
    Request request = submit(now(), prompt, maxTokens);
    run();
    return request;
  }

  /** Lets everything come to its end. */
  void run() {
    device.run();
    assertThat(requests).allMatch(Request::isFinished);
  }

  /** Computes a prompt, stores its blocks, and forgets them on the device. */
  void keepOnHost(int[] prompt) {
    complete(prompt, 1);
    engine.clearCache(true, false);
    run();
    assertThat(engine.stats().kv().device().cached()).isZero();
  }

  @Override
  public void close() {
    run();
    EngineStats stats = engine.stats();
    assertThat(stats.running() + stats.waiting()).isZero();
    assertThat(stats.kv().device().used()).isZero();
    assertThat(stats.kv().host().used()).isZero();
    engine.close();
    assertThat(device.allocatedBytes()).isZero();
    device.close();
  }
}
