package dev.kappa.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kappa.engine.EngineInfo;
import dev.kappa.server.testing.ScriptedBackend;
import org.junit.jupiter.api.Test;

class BannerTest {

  @Test
  void tellsTheHostTier() {
    try (ScriptedBackend backend = new ScriptedBackend()) {
      assertThat(Banner.host(withHost(backend.info(), 8L << 30)))
          .isEqualTo("8.0 GiB, 134,217,728 tokens");
      assertThat(Banner.host(withHost(backend.info(), 0))).isEqualTo("off");
    }
  }

  private static EngineInfo withHost(EngineInfo info, long bytes) {
    return new EngineInfo(
        info.model(),
        info.device(),
        info.maxModelLength(),
        info.blockTokens(),
        info.numBlocks(),
        info.maxSequences(),
        info.maxBatchedTokens(),
        info.kvDType(),
        info.kvBytesPerToken(),
        bytes);
  }

  @Test
  void tellsTheLinkOnlyWhereItIsThrottled() {
    assertThat(Banner.link(0)).isEmpty();
    assertThat(Banner.link(50_000_000)).isEqualTo("  link     throttled to 50.0 MB/s\n");
  }
}
