package dev.kappa.kv;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class StandDownTest {

  private static final int BLOCKS = 10_000;

  private final StandDown standDown = new StandDown();

  private void compute(int times) {
    for (int i = 0; i < times; i++) {
      standDown.computed(BLOCKS);
    }
  }

  @Test
  void standsDownOnceAllOfHostMemoryWasWrittenWithoutUse() {
    compute(BLOCKS - 1);
    assertThat(standDown.isDown()).isFalse();
    compute(1);
    assertThat(standDown.isDown()).isTrue();
  }

  @Test
  void isTakenUpAgainWhenHalfIsPaid() {
    compute(3 * BLOCKS);
    int half = BLOCKS / 2 / StandDown.PAYS_FOR;
    standDown.used(half - 1, BLOCKS);
    assertThat(standDown.isDown()).isTrue();
    standDown.used(1, BLOCKS);
    assertThat(standDown.isDown()).isFalse();
    compute(BLOCKS / 2 - 1);
    assertThat(standDown.isDown()).isFalse();
    compute(1);
    assertThat(standDown.isDown()).isTrue();
  }

  @Test
  void littleUseKeepsItUpForEver() {
    for (int i = 0; i < 20 * BLOCKS / StandDown.PAYS_FOR; i++) {
      compute(StandDown.PAYS_FOR);
      standDown.used(1, BLOCKS);
      assertThat(standDown.isDown()).isFalse();
    }
  }

  @Test
  void aStrayUseNowAndThenDoesNot() {
    for (int i = 0; i < 20 * BLOCKS / StandDown.PAYS_FOR; i++) {
      compute(2 * StandDown.PAYS_FOR);
      standDown.used(1, BLOCKS);
    }
    assertThat(standDown.isDown()).isTrue();
  }
}
