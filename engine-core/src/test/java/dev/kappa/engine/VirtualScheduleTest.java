package dev.kappa.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kappa.engine.VirtualEngine.Request;
import dev.kappa.kv.RestoreMode;
import dev.kappa.schedule.SchedulePolicy;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Requests that wait for the link and requests that wait for the device, on a device that has
 * blocks for four of them: mixed, they take little longer than the busier of the two.
 */
@Timeout(300)
class VirtualScheduleTest {

  private static final int OF_EACH = 16;
  private static final int LOADED = 8000;
  private static final int COMPUTED = 4800;

  /** Loading 8,000 tokens takes 150 ms then, as long as computing 4,800. */
  private static final double LINK = 7e9;

  @TempDir Path folder;

  private enum Kind {
    LINK_BOUND,
    COMPUTE_BOUND
  }

  private record Run(double nanos, double loadNanos, double computeNanos, List<List<Long>> first) {

    double bound() {
      return Math.max(loadNanos, computeNanos);
    }

    double p99(Kind kind) {
      List<Long> sorted = first.get(kind.ordinal()).stream().sorted().toList();
      return sorted.get(Math.ceilDiv(sorted.size() * 99, 100) - 1);
    }
  }

  private Run run(SchedulePolicy policy, List<Kind> kinds) {
    EngineOptions.Builder options =
        VirtualEngine.options()
            .numBlocks(4 * (LOADED / 16 + 4))
            .maxModelLength(8192)
            .restore(RestoreMode.LOAD)
            .schedule(policy);
    try (VirtualEngine engine =
        new VirtualEngine(folder, VirtualEngine.machine(5e14, LINK), options)) {
      engine.complete(VirtualEngine.prompt(9, 500), 20);
      engine.complete(VirtualEngine.prompt(8, COMPUTED), 1);
      for (int i = 0; i < OF_EACH; i++) {
        engine.keepOnHost(VirtualEngine.prompt(100 + i, LOADED));
      }
      long start = engine.now();
      List<List<Request>> requests = List.of(new ArrayList<>(), new ArrayList<>());
      for (Kind kind : kinds) {
        List<Request> same = requests.get(kind.ordinal());
        int[] prompt =
            switch (kind) {
              case LINK_BOUND ->
                  VirtualEngine.extend(VirtualEngine.prompt(100 + same.size(), LOADED), 7, 32);
              case COMPUTE_BOUND -> VirtualEngine.prompt(500 + same.size(), COMPUTED);
            };
        same.add(engine.submit(start, prompt, 1));
      }
      engine.run();
      long end = 0;
      List<List<Long>> first = new ArrayList<>();
      for (List<Request> same : requests) {
        first.add(same.stream().map(Request::firstToken).toList());
        end = Math.max(end, same.stream().mapToLong(Request::end).max().orElseThrow());
      }
      double load = OF_EACH * engine.roofline().loadNanos(LOADED);
      double compute =
          OF_EACH
              * (engine.roofline().computeNanos(COMPUTED, 0)
                  + engine.roofline().computeNanos(32, LOADED));
      return new Run(end - start, load, compute, first);
    }
  }

  private void check(String order, List<Kind> kinds, double leastGain) {
    Run fcfs = run(SchedulePolicy.FCFS, kinds);
    Run kappa = run(SchedulePolicy.KAPPA, kinds);
    assertThat(kappa.bound() / kappa.nanos).as(order).isGreaterThan(0.9);
    assertThat(fcfs.nanos / kappa.nanos).as(order).isGreaterThan(leastGain);
    for (Kind kind : Kind.values()) {
      assertThat(kappa.p99(kind) / fcfs.p99(kind)).as("%s, %s", order, kind).isLessThan(1.1);
    }
  }

  private static List<Kind> burst(Kind first, Kind second) {
    List<Kind> kinds = new ArrayList<>(Collections.nCopies(OF_EACH, first));
    kinds.addAll(Collections.nCopies(OF_EACH, second));
    return kinds;
  }

  @Test
  void burstsOfTheOneAndThenOfTheOtherAreMixed() {
    check("link-bound first", burst(Kind.LINK_BOUND, Kind.COMPUTE_BOUND), 1.3);
    check("compute-bound first", burst(Kind.COMPUTE_BOUND, Kind.LINK_BOUND), 1.3);
  }

  @Test
  void inRandomOrderBothAreBusy() {
    for (int seed = 0; seed < 4; seed++) {
      List<Kind> kinds = burst(Kind.LINK_BOUND, Kind.COMPUTE_BOUND);
      Collections.shuffle(kinds, new Random(seed));
      check("seed " + seed, kinds, 1.0);
    }
  }

  /** Of two requests with the same prefix, the second waits for the first to compute it. */
  @Test
  void aHitThatIsOnItsWayIsWaitedFor() {
    for (SchedulePolicy policy : SchedulePolicy.values()) {
      EngineOptions.Builder options = VirtualEngine.options().schedule(policy);
      try (VirtualEngine engine = new VirtualEngine(folder, VirtualEngine.H100, options)) {
        engine.complete(VirtualEngine.prompt(9, 500), 20);
        int[] prefix = VirtualEngine.prompt(1, 1600);
        long start = engine.now();
        Request first = engine.submit(start, VirtualEngine.extend(prefix, 2, 100), 1);
        Request second = engine.submit(start, VirtualEngine.extend(prefix, 3, 100), 1);
        engine.run();
        int cached = policy == SchedulePolicy.KAPPA ? 1600 : 0;
        assertThat(first.finish().usage().cachedTokens()).isZero();
        assertThat(second.finish().usage().cachedTokens()).isEqualTo(cached);
      }
    }
  }

  /** Of two requests with the same prefix in host memory, the second waits for the first's load. */
  @Test
  void aPrefixIsLoadedOnce() {
    try (VirtualEngine engine =
        new VirtualEngine(
            folder, VirtualEngine.H100, VirtualEngine.options().restore(RestoreMode.LOAD))) {
      engine.complete(VirtualEngine.prompt(9, 500), 20);
      int[] prefix = VirtualEngine.prompt(1, 16_000);
      engine.keepOnHost(prefix);
      long loaded = engine.engine().stats().kv().loads().blocks();
      long start = engine.now();
      for (int i = 0; i < 4; i++) {
        engine.submit(start, VirtualEngine.extend(prefix, 2 + i, 20), 1);
      }
      List<EngineStats> during = new ArrayList<>();
      engine.at(start + 10_000_000, () -> during.add(engine.engine().stats()));
      engine.run();
      assertThat(engine.engine().stats().kv().loads().blocks() - loaded).isEqualTo(1000);
      assertThat(during.getFirst().running()).isEqualTo(1);
      assertThat(during.getFirst().waiting()).isEqualTo(3);
      assertThat(during.getFirst().deferred()).as("those that wait for the load").isEqualTo(3);
      assertThat(engine.engine().stats().deferred()).isZero();
    }
  }

  /** The second is planned anew when the first, whose prefix it waits for, is cancelled. */
  @Test
  void aHitThatDoesNotComeIsNotWaitedFor() {
    try (VirtualEngine engine =
        new VirtualEngine(folder, VirtualEngine.H100, VirtualEngine.options())) {
      engine.complete(VirtualEngine.prompt(9, 500), 20);
      int[] prefix = VirtualEngine.prompt(1, 20_000);
      long start = engine.now();
      engine.cancelAt(start + 100_000_000, engine.submit(start, prefix, 1));
      Request second = engine.submit(start, VirtualEngine.extend(prefix, 3, 100), 1);
      engine.run();
      assertThat(second.finish().usage().cachedTokens()).isBetween(1600, 12_000);
    }
  }
}
