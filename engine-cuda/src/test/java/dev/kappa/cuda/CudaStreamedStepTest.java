package dev.kappa.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kappa.cuda.sim.SimulationControl;
import dev.kappa.device.Stream;
import dev.kappa.device.WrappedDevice;
import dev.kappa.device.virtual.VirtualModels;
import dev.kappa.engine.Collected;
import dev.kappa.engine.EngineOptions;
import dev.kappa.engine.TestEngine;
import dev.kappa.roofline.KvType;
import dev.kappa.roofline.ModelShape;
import java.nio.file.Path;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.ConcurrentHashMap;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * A context that exceeds the device, on a simulated driver whose queues hold 1,024 operations as a
 * real one's do. A step of this model has more of them.
 */
@Timeout(600)
class CudaStreamedStepTest {

  private static final int LAYERS = 64;
  private static final int VOCABULARY = 64;
  private static final ModelShape SHAPE =
      ModelShape.dense(LAYERS, 32, 64, 2, 1, 16, VOCABULARY, true, KvType.BF16);

  private final SimulationControl control = SimulatedGpu.reset();
  private final Random random = new Random(3);

  @TempDir Path folder;

  @AfterEach
  void restore() {
    SimulatedGpu.reset();
  }

  /** A device whose streams can be found by name. */
  private static final class NamedStreams extends WrappedDevice {

    private final Map<String, CudaStream> byName = new ConcurrentHashMap<>();

    NamedStreams() {
      super(SimulatedGpu.open());
    }

    @Override
    protected WrappedStream wrap(String name, Stream stream) {
      byName.put(name, CudaStream.of(unwrap(stream)));
      return super.wrap(name, stream);
    }

    long handle(String name) {
      return Objects.requireNonNull(byName.get(name), name).handle().raw();
    }
  }

  private int[] prompt(int length) {
    return TestEngine.randomPrompt(random, length, VOCABULARY);
  }

  /** 24 blocks of 8 tokens: no room for 256. */
  private TestEngine start(NamedStreams device) {
    EngineOptions options =
        EngineOptions.builder()
            .numBlocks(24)
            .blockTokens(8)
            .maxSequences(4)
            .maxBatchedTokens(64)
            .hostBytes(16L << 20)
            .dummyWeights(true)
            .seed(1)
            .build();
    return new TestEngine(VirtualModels.write(folder, SHAPE, 512), options, device);
  }

  @Test
  void othersGoOnWhileAStepOverHostMemoryStandsStill() {
    NamedStreams device = new NamedStreams();
    try (TestEngine engine = start(device)) {
      Collected streamed = engine.submit(prompt(256), TestEngine.greedy(40));
      streamed.awaitFirstToken();
      control.hold(device.handle("long"));
      // Far more steps of others than the streamed sequence has left.
      for (int i = 0; i < 3; i++) {
        assertThat(engine.submit(prompt(20), TestEngine.greedy(20)).tokens()).hasSize(20);
      }
      control.release();
      assertThat(streamed.tokens()).hasSize(40);
    }
  }

  /** Whoever fills a queue may hold up all threads of the process, not only itself. */
  @Test
  void aStepOverHostMemoryNeverFillsAQueue() throws Exception {
    NamedStreams device = new NamedStreams();
    try (TestEngine engine = start(device)) {
      Collected streamed = engine.submit(prompt(256), TestEngine.greedy(3));
      streamed.awaitFirstToken();
      long before = control.counters().queueWaits();
      control.hold(device.handle("stream-in"));
      awaitStandstill();
      control.release();
      assertThat(streamed.tokens()).hasSize(3);
      assertThat(control.counters().queueWaits()).isEqualTo(before);
    }
  }

  private void awaitStandstill() throws InterruptedException {
    long launches = -1;
    while (launches != control.counters().launches()) {
      launches = control.counters().launches();
      Thread.sleep(100);
    }
  }
}
