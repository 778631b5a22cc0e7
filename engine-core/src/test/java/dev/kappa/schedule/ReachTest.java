package dev.kappa.schedule;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Counted one by one, in a model of four layers of which three have a window of ten tokens. */
class ReachTest {

  private static final int WINDOW = 10;
  private static final Reach REACH = new Reach(WINDOW, 0.75);

  @ParameterizedTest
  @CsvSource({"0,1", "0,10", "0,11", "0,300", "5,3", "5,30", "9,1", "10,1", "100,1", "100,64"})
  void countsWhatLayersSee(int start, int count) {
    double pairs = 0;
    double context = 0;
    for (int layer = 0; layer < 4; layer++) {
      int first = Integer.MAX_VALUE;
      for (int position = start; position < start + count; position++) {
        int seen = layer == 0 ? 0 : Math.max(0, position - WINDOW + 1);
        first = Math.min(first, seen);
        pairs += (position + 1 - seen) / 4.0;
      }
      context += (start + count - first) / 4.0;
    }
    StepWork work = StepWork.none(REACH).plus(start, count);
    assertThat(work.pairs()).isCloseTo(pairs, within(1e-9));
    assertThat(work.context()).isCloseTo(context, within(1e-9));
    assertThat(work.rows()).isEqualTo(count);
    assertThat(StepWork.NONE.plus(start, count).context()).isEqualTo(start + count);
  }
}
