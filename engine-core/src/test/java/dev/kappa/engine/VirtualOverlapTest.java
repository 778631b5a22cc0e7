package dev.kappa.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.assertj.core.api.Assertions.withinPercentage;

import dev.kappa.kv.RestoreMode;
import dev.kappa.roofline.HardwareProfile;
import dev.kappa.roofline.Roofline;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The load of a prefix hides behind computing what follows it, and the other way round: the time to
 * the first token is the longer of the two, and of the shorter one the part that lies before the
 * first group of layers has arrived, or after the last one has.
 */
@Timeout(300)
class VirtualOverlapTest {

  /**
   * What a step takes however little it computes: every weight is read once, about 330 kernels are
   * launched.
   */
  private static final double STEP_NANOS = 16.06e9 / 3.35e12 * 1e9 + 330 * 2_000;

  private static final int CHUNK = 2048;
  private static final double[] LINKS = {57e9, 5e9};
  private static final int[] CONTEXTS = {8192, 32_768};
  private static final double[] KAPPAS = {0.5, 1, 2, 5, 10, 50};

  @TempDir Path folder;

  /** A request whose prefix lies in host memory, and what the roofline says about it. */
  record Case(double link, int cached, int computed) {

    /**
     * @param kappas κ in multiples of κ_crit
     */
    static Case of(double link, int context, double kappas) {
      double kappa = kappas * roofline(link).kappaCritical(context);
      int cached = (int) (context * kappa / (1 + kappa)) / 16 * 16;
      return new Case(link, cached, context - cached);
    }

    static Roofline roofline(double link) {
      return new Roofline(VirtualEngine.LLAMA_8B, VirtualEngine.machine(5e14, link));
    }

    double load() {
      return roofline(link).loadNanos(cached);
    }

    /** Of the first tokens behind the prefix. */
    double compute(int tokens) {
      return roofline(link).computeNanos(tokens, cached);
    }

    double compute() {
      return compute(computed);
    }

    double recompute() {
      return roofline(link).computeNanos(cached + computed, 0);
    }

    /** At best, where so many tokens are computed while the load is under way. */
    double bound(int overlapped, int groups) {
      double longer = Math.max(load(), compute(overlapped));
      double shorter = Math.min(load(), compute(overlapped));
      return longer + shorter / groups + compute() - compute(overlapped);
    }
  }

  static List<Case> cases() {
    List<Case> cases = new ArrayList<>();
    for (double link : LINKS) {
      for (int context : CONTEXTS) {
        for (double kappas : KAPPAS) {
          cases.add(Case.of(link, context, kappas));
        }
      }
    }
    return cases;
  }

  static List<Case> casesOfSeveralChunks() {
    return cases().stream().filter(request -> request.computed > CHUNK).toList();
  }

  /** Runs a case on an engine that has seen decodes and prefills, as any has after a while. */
  private Finish run(Case request, RestoreMode mode, int groups, int maxBatchedTokens) {
    EngineOptions.Builder options =
        VirtualEngine.options()
            .layerGroups(groups)
            .maxBatchedTokens(maxBatchedTokens)
            .restore(mode);
    HardwareProfile hardware = VirtualEngine.machine(5e14, request.link);
    try (VirtualEngine engine = new VirtualEngine(folder, hardware, options)) {
      engine.complete(VirtualEngine.prompt(9, 500), 20);
      int[] prefix = VirtualEngine.prompt(1, request.cached);
      engine.keepOnHost(prefix);
      int[] prompt = VirtualEngine.extend(prefix, 2, request.computed);
      Finish finish = engine.complete(prompt, 1).finish();
      int restored = mode == RestoreMode.RECOMPUTE ? 0 : request.cached;
      assertThat(finish.usage().hostTokens()).isEqualTo(restored);
      return finish;
    }
  }

  @ParameterizedTest
  @MethodSource("cases")
  void loadAndComputationHideEachOther(Case request) {
    for (int groups : List.of(8, 16)) {
      Finish finish = run(request, RestoreMode.LOAD, groups, Math.max(CHUNK, request.computed));
      double found = finish.timings().firstToken();
      double bound = request.bound(request.computed, groups);
      assertThat(found).as("G = %d", groups).isLessThan(1.02 * bound + STEP_NANOS / 2);
      assertThat((double) finish.restored().stallNanos())
          .as("stall")
          .isCloseTo(finish.restored().predictedStallNanos(), within(0.02 * found));
    }
  }

  /** Only one chunk is computed while the load is under way; the others follow. */
  @ParameterizedTest
  @MethodSource("casesOfSeveralChunks")
  void theFirstOfSeveralChunksHidesTheLoad(Case request) {
    Finish finish = run(request, RestoreMode.LOAD, 8, CHUNK);
    double found = finish.timings().firstToken();
    double bound = request.bound(CHUNK, 8);
    assertThat(found).isLessThan(1.02 * bound + STEP_NANOS);
  }

  @ParameterizedTest
  @MethodSource("cases")
  void modesCompareAsTheRooflineSays(Case request) {
    int chunk = Math.max(CHUNK, request.computed);
    double whole = run(request, RestoreMode.LOAD_WHOLE, 8, chunk).timings().firstToken();
    double load = run(request, RestoreMode.LOAD, 8, chunk).timings().firstToken();
    double recompute = run(request, RestoreMode.RECOMPUTE, 8, chunk).timings().firstToken();
    // P counts the embeddings of every token, so that computing takes less than the roofline says.
    assertThat(recompute / request.recompute()).isBetween(0.85, 1.05);
    double serial = request.load() + request.compute();
    assertThat(whole).isBetween(0.9 * serial, 1.02 * serial + STEP_NANOS);
    assertThat(load).isLessThan(whole).isLessThan(recompute);
  }

  /** Recomputing 8,000 tokens takes 0.27 s, loading them 2.1 s over such a link. */
  @Test
  void overASlowLinkRecomputingIsFaster() {
    Case request = new Case(5e8, 8000, 192);
    assertThat(request.load()).isGreaterThan(request.recompute());
    double load = run(request, RestoreMode.LOAD, 8, CHUNK).timings().firstToken();
    double recompute = run(request, RestoreMode.RECOMPUTE, 8, CHUNK).timings().firstToken();
    assertThat(load).isCloseTo(request.bound(192, 8), withinPercentage(1));
    assertThat(recompute).isLessThan(load);
  }
}
