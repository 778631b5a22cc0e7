package dev.kappa.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kappa.device.virtual.VirtualOptions;
import dev.kappa.engine.VirtualEngine.Request;
import dev.kappa.kv.StorePolicy;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Whatever the mixture of loads, computation and preemption on a pool that holds about four
 * requests: everything ends, and nobody waits longer than for those who came before.
 */
@Timeout(300)
class VirtualProgressTest {

  private static final int SCHEDULES = 200;
  private static final int REQUESTS = 24;
  private static final int POOL_BLOCKS = 600;
  private static final double[] LINKS = {57e9, 10e9, 2e9};

  private static long loaded;
  private static long preemptions;
  private static double longestWait;

  @TempDir Path folder;

  static List<Long> seeds() {
    List<Long> seeds = new ArrayList<>();
    for (long seed = 0; seed < SCHEDULES; seed++) {
      seeds.add(seed);
    }
    return seeds;
  }

  @BeforeAll
  static void countFromZero() {
    loaded = 0;
    preemptions = 0;
    longestWait = 0;
  }

  @AfterAll
  static void somethingHappened() {
    assertThat(loaded).isGreaterThan(SCHEDULES);
    assertThat(preemptions).isGreaterThan(SCHEDULES / 4);
  }

  private static EngineOptions.Builder options(Random random) {
    StorePolicy[] policies = StorePolicy.values();
    return VirtualEngine.options()
        .numBlocks(POOL_BLOCKS)
        .maxModelLength(8192)
        .maxSequences(4 + random.nextInt(30))
        .maxBatchedTokens(256 + random.nextInt(3000))
        .hostBytes((200L + random.nextInt(2000)) << 21)
        .storePolicy(policies[random.nextInt(policies.length)])
        .layerGroups(random.nextInt(17));
  }

  @ParameterizedTest
  @MethodSource("seeds")
  void everyRequestEndsInItsTime(long seed) {
    Random random = new Random(seed);
    VirtualOptions machine = VirtualOptions.defaults().withJitter(random.nextInt(3) * 0.2);
    double link = LINKS[random.nextInt(LINKS.length)];
    try (VirtualEngine engine =
        new VirtualEngine(
            folder,
            VirtualEngine.LLAMA_8B,
            VirtualEngine.machine(5e14, link),
            machine,
            options(random),
            seed)) {
      long time = engine.now();
      List<Request> requests = new ArrayList<>();
      List<Double> alone = new ArrayList<>();
      for (int i = 0; i < REQUESTS; i++) {
        time += random.nextInt(4) * random.nextInt(100_000_000);
        int[] prefix = VirtualEngine.prompt(random.nextInt(5), 500 * (1 + random.nextInt(6)));
        int[] prompt = VirtualEngine.extend(prefix, i, 1 + random.nextInt(1000));
        int tokens = 1 + random.nextInt(200);
        requests.add(engine.submit(time, prompt, tokens));
        double load = engine.roofline().loadNanos(prompt.length);
        alone.add(load + engine.roofline().computeNanos(prompt.length, 0) + tokens * 7e6);
      }
      engine.run();
      double before = 0;
      for (int i = 0; i < REQUESTS; i++) {
        Finish finish = requests.get(i).finish();
        assertThat(finish.reason()).isEqualTo(Finish.Reason.LENGTH);
        preemptions += finish.timings().preemptions();
        loaded += finish.restored().blocks() > 0 ? 1 : 0;
        double share = finish.timings().queued() / (before + alone.get(i));
        longestWait = Math.max(longestWait, share);
        // Of serving all that came before one by one, loading and computing whole prompts.
        assertThat(share).as("request %d", i).isLessThan(1);
        before += alone.get(i);
      }
    }
  }
}
