package dev.kappa.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.kappa.engine.VirtualEngine.Request;
import dev.kappa.kv.RestoreMode;
import dev.kappa.schedule.SchedulePolicy;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Loads and stores take the link from each other, and from nobody else anything. */
@Timeout(300)
class VirtualSharingTest {

  private static final long SECOND = 1_000_000_000;
  private static final int LONG = 30_000;
  private static final int SHORT = 2_000;

  @TempDir Path folder;

  private VirtualEngine engine(double link, EngineOptions.Builder options) {
    return new VirtualEngine(
        folder, VirtualEngine.machine(5e14, link), options.restore(RestoreMode.LOAD));
  }

  /** Eight sequences that decode for two seconds and more from now on. */
  private static List<Request> decodes(VirtualEngine engine) {
    List<Request> decodes = new ArrayList<>();
    for (int i = 0; i < 8; i++) {
      decodes.add(engine.submit(engine.now(), VirtualEngine.prompt(100 + i, 1000), 500));
    }
    return decodes;
  }

  private static List<Long> gaps(List<Request> decodes, long from) {
    List<Long> gaps = new ArrayList<>();
    decodes.forEach(decode -> gaps.addAll(decode.gaps(from, Long.MAX_VALUE)));
    gaps.sort(null);
    return gaps;
  }

  private static long p99(List<Long> sorted) {
    return sorted.get(sorted.size() * 99 / 100);
  }

  /** Gaps between tokens while a request of 64 new tokens comes, behind a prefix or without. */
  private List<Long> gapsBeside(double link, int prefix) {
    try (VirtualEngine engine = engine(link, VirtualEngine.options())) {
      int[] known = VirtualEngine.prompt(1, prefix);
      if (prefix > 0) {
        engine.keepOnHost(known);
      }
      long start = engine.now();
      List<Request> decodes = decodes(engine);
      Request other = engine.submit(start + SECOND, VirtualEngine.extend(known, 2, 64), 1);
      engine.run();
      assertThat(other.finish().usage().hostTokens()).isEqualTo(prefix);
      assertThat(other.end()).isLessThan(decodes.getFirst().end());
      return gaps(decodes, start + SECOND / 2);
    }
  }

  /** κ is 469, at a κ_crit of 28 and of 2. */
  @ParameterizedTest
  @ValueSource(doubles = {57e9, 5e9})
  void decodesDoNotNoticeALongLoad(double link) {
    List<Long> without = gapsBeside(link, 0);
    List<Long> with = gapsBeside(link, LONG);
    assertThat(with).hasSameSizeAs(without);
    assertThat((double) p99(with)).isLessThan(1.05 * p99(without));
    // The one step that has the 64 tokens in it computes attention over the whole prefix.
    double attention = 64.0 * LONG * VirtualEngine.LLAMA_8B.attentionFlopsPerPair() / 5e14 * 1e9;
    assertThat((double) with.getLast()).isLessThan(1.05 * (without.getLast() + attention));
  }

  private List<Long> gapsWithPrefills(EngineOptions.Builder options) {
    try (VirtualEngine engine = engine(5e9, options)) {
      List<Request> decodes = decodes(engine);
      for (int i = 0; i < 40; i++) {
        engine.submit((10 + i) * SECOND / 20, VirtualEngine.prompt(1000 + i, 700), 1);
      }
      engine.run();
      return gaps(decodes, SECOND / 2);
    }
  }

  @Test
  void decodesDoNotNoticeStores() {
    List<Long> without = gapsWithPrefills(VirtualEngine.options().hostBytes(0));
    List<Long> with = gapsWithPrefills(VirtualEngine.options());
    assertThat((double) p99(with)).isLessThan(1.01 * p99(without));
    assertThat((double) with.getLast()).isLessThan(1.01 * without.getLast());
  }

  /** A step of the long load's own, if there is one in the way, takes the wait to 6 ms. */
  @ParameterizedTest
  @ValueSource(doubles = {57e9, 5e9})
  void aShortLoadDoesNotStandBehindALongOne(double link) {
    try (VirtualEngine engine = engine(link, VirtualEngine.options())) {
      int[] longPrefix = VirtualEngine.prompt(1, LONG);
      int[] shortPrefix = VirtualEngine.prompt(2, SHORT);
      engine.keepOnHost(longPrefix);
      engine.keepOnHost(shortPrefix);
      long alone = engine.complete(VirtualEngine.extend(shortPrefix, 3, 16), 1).firstToken();
      for (long delay : new long[] {0, 1, 5, 20, 60}) {
        engine.engine().clearCache(true, false);
        engine.run();
        long start = engine.now();
        int seed = (int) (10 + delay);
        Request other = engine.submit(start, VirtualEngine.extend(longPrefix, seed, 16), 1);
        Request quick =
            engine.submit(
                start + delay * 1_000_000, VirtualEngine.extend(shortPrefix, seed, 16), 1);
        engine.run();
        assertThat(quick.firstToken()).as("%d ms later", delay).isLessThan(alone + 6_000_000);
        assertThat((double) other.firstToken())
            .as("the long one")
            .isCloseTo(
                engine.roofline().loadNanos(LONG + SHORT),
                within(12e6 + 0.02 * LONG / link * 1e14));
      }
    }
  }

  @Test
  void severalLoadsAreDoneInOrderOfTheirSizes() {
    try (VirtualEngine engine = engine(5e9, VirtualEngine.options())) {
      List<int[]> prefixes = new ArrayList<>();
      for (int i = 1; i <= 6; i++) {
        int[] prefix = VirtualEngine.prompt(i, 1000 * i);
        prefixes.add(prefix);
        engine.keepOnHost(prefix);
      }
      List<Request> requests = new ArrayList<>();
      long start = engine.now();
      for (int[] prefix : prefixes.reversed()) {
        requests.addFirst(engine.submit(start, VirtualEngine.extend(prefix, 50, 16), 1));
      }
      engine.run();
      double bytesFirst = 0;
      for (int i = 0; i < 6; i++) {
        bytesFirst += engine.roofline().loadNanos(1000L * (i + 1));
        assertThat((double) requests.get(i).firstToken())
            .isBetween(bytesFirst, 1.02 * bytesFirst + 12e6);
      }
    }
  }

  /**
   * Three requests, and one after them that computes 6,000 tokens behind a prefix.
   *
   * @param prefix tokens of it, in host memory
   */
  private List<Request> olderOnes(int prefix) {
    EngineOptions.Builder options = VirtualEngine.options().schedule(SchedulePolicy.FCFS);
    try (VirtualEngine engine = engine(57e9, options)) {
      int[] known = VirtualEngine.prompt(1, prefix);
      if (prefix > 0) {
        engine.keepOnHost(known);
      }
      long start = engine.now();
      List<Request> older = new ArrayList<>();
      for (int i = 0; i < 3; i++) {
        older.add(engine.submit(start, VirtualEngine.prompt(10 + i, 12_000), 20));
      }
      Request young = engine.submit(start, VirtualEngine.extend(known, 2, 6000), 1);
      engine.run();
      assertThat(young.finish().usage().hostTokens()).isEqualTo(prefix);
      Finish.Restored restored = young.finish().restored();
      if (prefix > 0) {
        // It waits for its turn, not for its load, which began with the first step.
        long queued = young.finish().timings().queued();
        assertThat(restored.waitNanos()).isCloseTo(queued, within(100_000_000L));
        assertThat(queued).isGreaterThan(SECOND);
        assertThat(restored.stallNanos()).isZero();
      }
      return older;
    }
  }

  @Test
  void aLoadBeginsInTheQueueAndDelaysNobodyBeforeIt() {
    List<Request> without = olderOnes(0);
    List<Request> with = olderOnes(8000);
    // Of all the younger one's tokens to its prefix: what it costs those that decode meanwhile.
    double attention = 6000.0 * 8000 * VirtualEngine.LLAMA_8B.attentionFlopsPerPair() / 5e14 * 1e9;
    for (int i = 0; i < with.size(); i++) {
      long found = with.get(i).firstToken();
      // Where its tokens fill up a step, their attention to the prefix comes on top.
      long fill = (long) (2048 * attention / 6000) + 1_000_000;
      assertThat(found).isCloseTo(without.get(i).firstToken(), within(fill));
      assertThat(with.get(i).finish().timings().total())
          .isLessThan(without.get(i).finish().timings().total() + (long) attention + 6_000_000);
    }
  }
}
