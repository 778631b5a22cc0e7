package dev.kappa.kv;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import org.junit.jupiter.api.Test;

class PolicyTrialTest {

  private static final int BLOCKS = 4000;

  private final FrequencySketch sketch = new FrequencySketch(BLOCKS);
  private final PolicyTrial trial = new PolicyTrial(BLOCKS, sketch);

  private void ask(BlockKey key) {
    sketch.add(key);
    trial.asked(key);
  }

  private static BlockKey numbered(long number) {
    return FrequencySketchTest.key(new Random(number));
  }

  /** As many popular blocks as fit, among twice as many that nobody asks for again. */
  private void scan(int asks) {
    Random random = new Random(1);
    for (int i = 0; i < asks; i++) {
      boolean popular = random.nextInt(3) == 0;
      ask(popular ? numbered(random.nextInt(BLOCKS)) : FrequencySketchTest.key(random));
    }
  }

  /** Blocks that are asked for once more soon and then never: conversations. */
  private void converse(int asks) {
    for (int i = 0; i < asks / 2; i++) {
      ask(numbered(-i - 1));
      ask(numbered(-i - 1 + BLOCKS / 2));
    }
  }

  @Test
  void scansMakeItPreferFrequency() {
    assertThat(trial.prefersFrequency()).isFalse();
    scan(10 * BLOCKS);
    assertThat(trial.prefersFrequency()).isTrue();
  }

  @Test
  void conversationsMakeItPreferWhatIsNew() {
    scan(10 * BLOCKS);
    converse(10 * BLOCKS);
    assertThat(trial.prefersFrequency()).isFalse();
    converse(10 * BLOCKS);
    assertThat(trial.prefersFrequency()).isFalse();
    scan(20 * BLOCKS);
    assertThat(trial.prefersFrequency()).isTrue();
  }

  @Test
  void withoutReuseNothingIsPreferred() {
    Random random = new Random(2);
    for (int i = 0; i < 20 * BLOCKS; i++) {
      ask(FrequencySketchTest.key(random));
    }
    assertThat(trial.prefersFrequency()).isFalse();
  }
}
