package dev.kappa.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kappa.device.virtual.VirtualOptions;
import dev.kappa.kv.KvStats;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What the other tests in virtual time rest on. */
@Timeout(300)
class VirtualEngineTest {

  @TempDir Path folder;

  /** When all tokens of a mixed load come, which exceeds the device's blocks again and again. */
  private List<List<Long>> times(double jitter, long seed) {
    VirtualOptions machine = VirtualOptions.defaults().withJitter(jitter);
    EngineOptions.Builder options = VirtualEngine.options().numBlocks(600).maxModelLength(8192);
    Random random = new Random(1);
    List<VirtualEngine.Request> requests = new ArrayList<>();
    try (VirtualEngine engine =
        new VirtualEngine(
            folder, VirtualEngine.LLAMA_8B, VirtualEngine.H100, machine, options, seed)) {
      for (int i = 0; i < 30; i++) {
        int[] prefix = VirtualEngine.prompt(random.nextInt(4), 1000 * (1 + random.nextInt(3)));
        int[] prompt = VirtualEngine.extend(prefix, i, 1 + random.nextInt(500));
        requests.add(engine.submit(i * 20_000_000L, prompt, 1 + random.nextInt(30)));
      }
      engine.run();
      assertThat(engine.engine().stats().kv().loads().blocks()).isPositive();
    }
    return requests.stream().map(VirtualEngine.Request::tokens).toList();
  }

  @ParameterizedTest
  @ValueSource(doubles = {0, 0.3})
  void theSameSeedGivesTheSameTimes(double jitter) {
    assertThat(times(jitter, 7)).isEqualTo(times(jitter, 7));
  }

  @Test
  void jitterChangesTimesByItsSeed() {
    assertThat(times(0.3, 7)).isNotEqualTo(times(0.3, 8));
    assertThat(times(0, 7)).isEqualTo(times(0, 8));
  }

  /** A step of 4,096 tokens fills more blocks than the host pool begins with. */
  @Test
  void aPrefixIsStoredAsAWholeWhileHostMemoryIsStillTaken() {
    EngineOptions.Builder options = VirtualEngine.options().maxBatchedTokens(4096);
    try (VirtualEngine engine = new VirtualEngine(folder, VirtualEngine.H100, options)) {
      int[] prompt = VirtualEngine.prompt(1, 16_384);
      engine.keepOnHost(prompt);
      KvStats stored = engine.engine().stats().kv();
      assertThat(stored.stores().blocks()).isEqualTo(1024);
      assertThat(stored.host().cached()).isEqualTo(1024);
      assertThat(stored.storesSkipped().total()).isZero();
      Finish.Usage usage = engine.complete(VirtualEngine.extend(prompt, 2, 10), 1).finish().usage();
      assertThat(usage.hostTokens()).isEqualTo(16_384);
    }
  }
}
