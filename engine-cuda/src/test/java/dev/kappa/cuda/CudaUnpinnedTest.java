package dev.kappa.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kappa.cuda.sim.SimulationControl;
import dev.kappa.device.Batch;
import dev.kappa.device.Device;
import dev.kappa.device.DeviceMemory;
import dev.kappa.device.HostMemory;
import dev.kappa.device.Stream;
import dev.kappa.engine.Collected;
import dev.kappa.engine.EngineOptions;
import dev.kappa.engine.TestEngine;
import dev.kappa.kv.KvStats;
import dev.kappa.kv.RestoreMode;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A driver that pins little: enough for each step's few numbers, not for KV in host memory. */
@Timeout(300)
class CudaUnpinnedTest {

  private static final long HOST = 32L << 20;

  private final SimulationControl control = SimulatedGpu.reset();
  private final Random random = new Random(5);

  @AfterEach
  void restore() {
    SimulatedGpu.reset();
  }

  private int[] prompt(int length) {
    return TestEngine.randomPrompt(random, length, 256);
  }

  private static EngineOptions options() {
    return EngineOptions.builder()
        .numBlocks(20)
        .blockTokens(8)
        .maxSequences(4)
        .maxBatchedTokens(64)
        .hostBytes(HOST)
        // How much of a prefix is computed instead would depend on how fast everything is.
        .restore(RestoreMode.LOAD)
        .seed(1)
        .build();
  }

  /** What two prompts give, one loaded from host memory and one longer than the device. */
  private List<List<Integer>> outputs(int[] prompt, int[] longPrompt, boolean pinned) {
    try (TestEngine engine =
        new TestEngine(TestEngine.tinyModel("qwen3-tiny"), options(), SimulatedGpu.open())) {
      engine.submit(prompt, TestEngine.greedy(9)).finish();
      engine.awaitIdle();
      engine.engine().clearCache(true, false).join();
      Collected loaded = engine.submit(prompt, TestEngine.greedy(9));
      assertThat(loaded.finish().usage().hostTokens()).isPositive();
      Collected streamed = engine.submit(longPrompt, TestEngine.greedy(9));
      streamed.finish();
      KvStats kv = engine.engine().stats().kv();
      assertThat(kv.hostPinned()).isEqualTo(pinned);
      assertThat(kv.host().total()).isPositive();
      return List.of(loaded.tokens(), streamed.tokens());
    }
  }

  @Test
  void kvInHostMemoryIsRightWithoutPinning() {
    int[] prompt = prompt(100);
    int[] longPrompt = prompt(300);
    List<List<Integer>> expected = outputs(prompt, longPrompt, true);
    SimulatedGpu.reset();
    // Enough for the buffers that weights and copies go through.
    control.limitPinned(HOST - 1);
    assertThat(outputs(prompt, longPrompt, false)).isEqualTo(expected);
    assertThat(control.counters().pageableCopies()).as("copies that block").isZero();
  }

  @Test
  void kernelsAreNotGivenMemoryThatTheyCannotReach() {
    try (Device device = SimulatedGpu.open();
        Stream stream = device.newStream("test");
        DeviceMemory logits = device.allocate(64);
        HostMemory out = device.allocateUnpinned(64)) {
      assertThatThrownBy(() -> device.kernels().argmax(stream, logits, 1, 16, out))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("argmax: out")
          .hasMessageContaining("pinned");
    }
  }

  @Test
  void whatKernelsReadMustBePinned() {
    try (Device device = SimulatedGpu.open()) {
      control.limitPinned(0);
      assertThatThrownBy(() -> new Batch(device, 8, 2, 4)).hasMessageContaining("pinning");
      assertThat(device.allocatedBytes()).isZero();
    }
  }
}
