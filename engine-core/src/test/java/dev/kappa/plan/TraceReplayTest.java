package dev.kappa.plan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.kappa.engine.EngineOptions;
import dev.kappa.model.ModelShapes;
import dev.kappa.roofline.Gpu;
import dev.kappa.roofline.Machine;
import dev.kappa.roofline.Roofline;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

class TraceReplayTest {

  private static final Path LLAMA = Path.of("..", "models", "shapes", "llama-3.1-8b");
  private static final Machine H100 = Machine.Rated.of(Gpu.H100_SXM);

  private static Replay replay(Trace trace, EngineOptions.Builder options) {
    EngineOptions built = options.dummyWeights(true).build();
    return TraceReplay.run(LLAMA, H100, built, trace, done -> {});
  }

  @Test
  void reusesWhatTheTraceRepeats() {
    Replay replay = replay(Traces.small(), EngineOptions.builder().hostBytes(1L << 30));
    assertThat(replay.finished()).isEqualTo(4);
    assertThat(replay.stats().promptTokens()).isEqualTo(4352);
    assertThat(replay.stats().generatedTokens()).isEqualTo(10);
    // As planned, but that the engine computes a whole block's last token in a copy of the block.
    assertThat(replay.stats().cachedPromptTokens()).isBetween(2559L - 16, 2559L);
    assertThat(replay.stats().hostPromptTokens()).as("the device has it all").isZero();
    assertThat(replay.durationMillis()).isGreaterThan(3000);
  }

  @Test
  void loadsWhatTheDeviceHadToDrop() {
    // The device holds 1280 tokens: most of the first prompt goes when the second comes.
    Trace trace =
        new Trace(
            List.of(
                new Trace.Request(0, 1024, 1, new int[] {0, 1}),
                new Trace.Request(1000, 1024, 1, new int[] {2, 3}),
                new Trace.Request(2000, 1024, 1, new int[] {0, 1})),
            4);
    Replay replay =
        replay(
            trace, EngineOptions.builder().hostBytes(1L << 30).numBlocks(80).maxModelLength(1280));
    assertThat(replay.finished()).isEqualTo(3);
    assertThat(replay.stats().cachedPromptTokens()).isBetween(1023L - 16, 1023L);
    assertThat(replay.stats().hostPromptTokens()).isBetween(1024L - 512, 1024L);
    assertThat(replay.loadMillis().p99()).isPositive();
    assertThat(replay.kappa().p99()).isPositive();
    assertThat(replay.linkUse()).isBetween(1e-6, 1.0);
  }

  @Test
  void takesAboutTheTimeOfTheRoofline() {
    Trace one = new Trace(List.of(new Trace.Request(0, 8000, 1, new int[0])), 0);
    Replay replay = replay(one, EngineOptions.builder().maxBatchedTokens(8192));
    Roofline roofline = new Roofline(ModelShapes.read(LLAMA).shape(), H100.profile());
    // The formula counts both embeddings for every token; the last layer computes one row.
    assertThat(replay.firstTokenMillis().mean() / (roofline.computeNanos(8000, 0) / 1e6))
        .isBetween(0.8, 1.05);
  }

  @Test
  void givesTheSameFiguresEachTime() {
    Replay first = replay(Traces.small(), EngineOptions.builder().hostBytes(1L << 30));
    Replay second = replay(Traces.small(), EngineOptions.builder().hostBytes(1L << 30));
    assertThat(second).isEqualTo(first);
  }

  @Test
  void leavesOutWhatTheContextCannotHold() {
    Trace trace =
        new Trace(
            List.of(
                new Trace.Request(0, 900, 200, new int[] {0, 1}),
                new Trace.Request(10, 500, 10, new int[] {2})),
            3);
    Replay replay = replay(trace, EngineOptions.builder().maxModelLength(1000));
    assertThat(replay.tooLong()).isEqualTo(1);
    assertThat(replay.finished()).isEqualTo(1);
    // 500 · 2P / C
    assertThat(replay.firstTokenMillis().mean()).isCloseTo(16.2, within(1.0));
  }
}
