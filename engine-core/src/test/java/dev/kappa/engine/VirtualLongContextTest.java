package dev.kappa.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kappa.engine.VirtualEngine.Request;
import dev.kappa.roofline.HardwareProfile;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Contexts of two and four times what the device's blocks hold. */
@Timeout(300)
class VirtualLongContextTest {

  private static final int POOL_TOKENS = 32_768;
  private static final long SECOND = 1_000_000_000;

  @TempDir Path folder;

  private VirtualEngine engine(HardwareProfile hardware) {
    EngineOptions.Builder options =
        VirtualEngine.options().numBlocks(POOL_TOKENS / 16).maxModelLength(200_000);
    return new VirtualEngine(folder, hardware, options);
  }

  private static long median(List<Long> values) {
    List<Long> sorted = values.stream().sorted().toList();
    return sorted.get(sorted.size() / 2);
  }

  /**
   * A step's projections and its reading take turns, as the ring of buffers holds but a moment's
   * worth of the link: its time is that of the projections, and of its attention or of reading,
   * whichever is longer.
   */
  private static double prefillBound(VirtualEngine engine, int tokens, int chunk) {
    double linear = engine.roofline().computeNanos(tokens, 0);
    double pairs = VirtualEngine.LLAMA_8B.attentionFlopsPerPair() / 5e14 * 1e9;
    linear -= pairs * tokens * (tokens / 2.0);
    double sum = linear;
    for (int start = 0; start < tokens; start += chunk) {
      double attention = pairs * chunk * (start + chunk / 2.0);
      sum += Math.max(attention, engine.roofline().loadNanos(start));
    }
    return sum;
  }

  @ParameterizedTest
  @CsvSource({"57e9, 65536", "57e9, 131072", "10e9, 65536", "10e9, 131072"})
  void prefillAndDecodeTakeWhatTheRooflineSays(double link, int tokens) {
    try (VirtualEngine engine = engine(VirtualEngine.machine(5e14, link))) {
      engine.complete(VirtualEngine.prompt(9, 4000), 20);
      Request request = engine.complete(VirtualEngine.prompt(1, tokens), 12);
      double bound = prefillBound(engine, tokens, 8192);
      long step = median(request.gaps(0, Long.MAX_VALUE));
      double read = engine.roofline().loadNanos(tokens);
      assertThat((double) request.firstToken()).isLessThan(1.02 * bound);
      assertThat((double) step).isBetween(0.9 * read, 1.1 * read);
    }
  }

  /** Where arithmetic costs nothing, the time tells how much was read. */
  @ParameterizedTest
  @CsvSource({"65536", "131072"})
  void prefillReadsItsKvABoundedNumberOfTimes(int tokens) {
    HardwareProfile hardware = new HardwareProfile("link", 1e20, 1e9, 1e9, 1e17, 0, 0);
    try (VirtualEngine engine = engine(hardware)) {
      engine.complete(VirtualEngine.prompt(9, 4000), 20);
      Request request = engine.complete(VirtualEngine.prompt(1, tokens), 1);
      double times = request.firstToken() / engine.roofline().loadNanos(tokens);
      // Chunks are an eighth of what lies before them, and 8192 tokens at most.
      assertThat(times).isLessThan(Math.max(8, tokens / 2.0 / 8192));
    }
  }

  /**
   * Kernels of both streams take turns on the processor: each of a decode's kernels waits for one
   * of the long step's, the largest of which goes over 8,192 rows.
   */
  @ParameterizedTest
  @CsvSource({"57e9", "10e9"})
  void decodesGoOnBesideIt(double link) {
    try (VirtualEngine engine = engine(VirtualEngine.machine(5e14, link))) {
      List<Request> decodes = new ArrayList<>();
      for (int i = 0; i < 4; i++) {
        decodes.add(engine.submit(engine.now(), VirtualEngine.prompt(100 + i, 1000), 2500));
      }
      long start = engine.now() + SECOND / 2;
      Request request = engine.submit(start, VirtualEngine.prompt(1, 65_536), 12);
      engine.run();
      long first = request.tokens().getFirst();
      long last = request.tokens().getLast();
      List<Long> alone = new ArrayList<>();
      List<Long> prefill = new ArrayList<>();
      List<Long> decode = new ArrayList<>();
      for (Request other : decodes) {
        alone.addAll(other.gaps(start - SECOND / 4, start));
        prefill.addAll(other.gaps(start, first));
        decode.addAll(other.gaps(first, last));
      }
      double layer = 2.0 * 8192 * (6144L * 4096 + 4096L * 4096 + 3L * 4096 * 14_336);
      double chunk = 32 * layer / 5e14 * 1e9;
      assertThat(prefill).isNotEmpty().allMatch(gap -> gap < median(alone) + chunk);
      assertThat((double) median(decode)).isLessThan(1.25 * median(alone));
      assertThat(request.finish().usage().completionTokens()).isEqualTo(12);
    }
  }
}
