package dev.kappa.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.withinPercentage;

import dev.kappa.kv.KvStats;
import dev.kappa.kv.StorePolicy;
import dev.kappa.schedule.SchedulePolicy;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Host memory costs traffic that never comes back to a prefix next to nothing. */
@Timeout(300)
class VirtualZeroReuseTest {

  private static final int REQUESTS = 60;
  private static final int TOKENS = 30;

  /** More than running sequences hold, less than a third of all that is stored. */
  private static final int HOST_BLOCKS = 2000;

  /** Not even what the first requests store. */
  private static final int SMALL_HOST_BLOCKS = 600;

  @TempDir Path folder;

  /**
   * @param nanos from the first arrival to the last end
   */
  private record Run(List<Long> totals, long nanos, KvStats kv, long cpuNanos) {}

  private static int length(int request) {
    return 200 + new Random(request).nextInt(3000);
  }

  /** Full blocks of all requests; a request's last token is never computed on. */
  private static long fullBlocks() {
    long blocks = 0;
    for (int i = 0; i < REQUESTS; i++) {
      blocks += (length(i) + TOKENS - 1) / 16;
    }
    return blocks;
  }

  private Run run(long hostBytes) {
    return run(hostBytes, StorePolicy.ADAPTIVE);
  }

  private Run run(long hostBytes, StorePolicy policy) {
    ThreadMXBean threads = ManagementFactory.getThreadMXBean();
    // A pool in which blocks are reused all the time.
    EngineOptions.Builder options =
        VirtualEngine.options()
            .schedule(SchedulePolicy.FCFS)
            .numBlocks(1500)
            .maxModelLength(8192)
            .hostBytes(hostBytes)
            .storePolicy(policy);
    try (VirtualEngine engine = new VirtualEngine(folder, VirtualEngine.H100, options)) {
      List<VirtualEngine.Request> requests = new ArrayList<>();
      // The link is measured before the first request.
      long start = engine.now();
      for (int i = 0; i < REQUESTS; i++) {
        int[] prompt = VirtualEngine.prompt(i, length(i));
        requests.add(engine.submit(start + i * 50_000_000L, prompt, TOKENS));
      }
      long before = threads.getCurrentThreadCpuTime();
      engine.run();
      long cpu = threads.getCurrentThreadCpuTime() - before;
      List<Long> totals = requests.stream().map(r -> r.finish().timings().total()).toList();
      long end = requests.stream().mapToLong(VirtualEngine.Request::end).max().orElseThrow();
      return new Run(totals, end - start, engine.engine().stats().kv(), cpu);
    }
  }

  @Test
  void everyFullBlockIsStoredAndNothingTakesLonger() {
    Run without = run(0);
    Run with = run(64L << 30);
    for (int i = 0; i < REQUESTS; i++) {
      assertThat((double) with.totals.get(i)).isCloseTo(without.totals.get(i), withinPercentage(1));
    }
    assertThat(with.kv.stores().blocks()).isEqualTo(fullBlocks());
    // The measurement of the link at the start is not counted among the stores.
    assertThat(with.kv.stores().bytes()).isEqualTo(fullBlocks() * with.kv.blockBytes());
    assertThat(with.kv.loads().bytes()).isZero();
    assertThat(with.kv.storesSkipped().total() + with.kv.storesDiscarded()).isZero();
  }

  @Test
  void aFullHostPoolEvictsWithoutHoldingAnythingUp() {
    Run without = run(0);
    Run with = run(HOST_BLOCKS * 2L << 20, StorePolicy.WRITE_THROUGH);
    assertThat(with.kv.host().total()).isEqualTo(HOST_BLOCKS);
    assertThat(with.kv.storesWasted()).isGreaterThan(fullBlocks() / 2);
    assertThat(with.kv.stores().blocks() + with.kv.storesSkipped().total()).isEqualTo(fullBlocks());
    for (int i = 0; i < REQUESTS; i++) {
      assertThat((double) with.totals.get(i)).isCloseTo(without.totals.get(i), withinPercentage(1));
    }
  }

  @Test
  void storingStandsDownOnceHostMemoryIsFull() {
    Run without = run(0);
    Run with = run(HOST_BLOCKS * 2L << 20);
    assertThat(with.kv.storesStandDown()).isTrue();
    long later = fullBlocks() - HOST_BLOCKS;
    assertThat(with.kv.stores().blocks() - HOST_BLOCKS)
        .isLessThan(later / 10)
        .isLessThanOrEqualTo(later - with.kv.storesSkipped().standDown());
    assertThat((double) without.nanos / with.nanos).isGreaterThan(0.99);
  }

  /** What is asked for again is stored then, and once that has paid, so is all that is new. */
  @Test
  void hitsComeBackWithTheThirdAskingAndThenWithTheSecond() {
    EngineOptions.Builder options =
        VirtualEngine.options()
            .numBlocks(1500)
            .maxModelLength(8192)
            .hostBytes(HOST_BLOCKS * 2L << 20);
    try (VirtualEngine engine = new VirtualEngine(folder, VirtualEngine.H100, options)) {
      for (int i = 0; i < REQUESTS; i++) {
        engine.complete(VirtualEngine.prompt(i, length(i)), TOKENS);
      }
      assertThat(engine.engine().stats().kv().storesStandDown()).isTrue();
      int[] first = VirtualEngine.prompt(1000, 1000);
      assertThat(hostTokens(engine, first)).isZero();
      assertThat(hostTokens(engine, first)).isZero();
      assertThat(engine.engine().stats().kv().storesStandDown()).isFalse();
      assertThat(hostTokens(engine, first)).isGreaterThan(990);
      int[] second = VirtualEngine.prompt(2000, 1000);
      assertThat(hostTokens(engine, second)).isZero();
      assertThat(hostTokens(engine, second)).isGreaterThan(990);
    }
  }

  /** Serves a prompt and forgets it on the device; returns how much of it came from the host. */
  private static int hostTokens(VirtualEngine engine, int[] prompt) {
    Finish finish = engine.complete(prompt, 1).finish();
    engine.engine().clearCache(true, false);
    engine.run();
    return finish.usage().hostTokens();
  }

  /** On a virtual device the engine's own work is all that takes a processor's time. */
  @Test
  void theEngineItselfTakesLittleMoreOfTheProcessor() {
    long without = Long.MAX_VALUE;
    long with = Long.MAX_VALUE;
    long standingDown = Long.MAX_VALUE;
    for (int i = 0; i < 8; i++) {
      without = Math.min(without, run(0).cpuNanos);
      with = Math.min(with, run(64L << 30).cpuNanos);
      standingDown = Math.min(standingDown, run(SMALL_HOST_BLOCKS * 2L << 20).cpuNanos);
    }
    assertThat((double) with / without).isLessThan(2.5);
    assertThat((double) standingDown / without).isLessThan(2);
  }
}
