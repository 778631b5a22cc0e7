package dev.kappa.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kappa.schedule.SchedulePolicy;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A long queue costs each of those in it hardly more than a short one. */
@Timeout(600)
class VirtualCrowdTest {

  private static final int FEW = 500;
  private static final int MANY = 10_000;
  private static final int PROMPT = 200;
  private static final int TOKENS = 4;

  @TempDir Path folder;

  /** The engine's own work for each of so many requests that all come at once, in nanoseconds. */
  private double cpuNanos(SchedulePolicy policy, int requests) {
    ThreadMXBean threads = ManagementFactory.getThreadMXBean();
    EngineOptions.Builder options = VirtualEngine.options().schedule(policy).numBlocks(512);
    try (VirtualEngine engine = new VirtualEngine(folder, VirtualEngine.H100, options)) {
      long start = engine.now();
      List<VirtualEngine.Request> all = new ArrayList<>();
      for (int i = 0; i < requests; i++) {
        // Every other one comes back to what an earlier one left in host memory.
        all.add(engine.submit(start, VirtualEngine.prompt(i / 2, PROMPT), TOKENS));
      }
      long before = threads.getCurrentThreadCpuTime();
      engine.run();
      long cpu = threads.getCurrentThreadCpuTime() - before;
      all.forEach(request -> assertThat(request.finish().usage().completionTokens()).isPositive());
      return (double) cpu / requests;
    }
  }

  @ParameterizedTest
  @EnumSource(SchedulePolicy.class)
  void tenThousandWaitAsCheaplyAsAFew(SchedulePolicy policy) {
    double few = Double.MAX_VALUE;
    double many = Double.MAX_VALUE;
    // What else runs costs a thread its caches, so that the best rounds count.
    for (int round = 0; round < 2 || round < 6 && many >= 2 * few; round++) {
      few = Math.min(few, cpuNanos(policy, FEW));
      many = Math.min(many, cpuNanos(policy, MANY));
    }
    assertThat(many / few).isLessThan(2);
  }
}
