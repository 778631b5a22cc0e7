package dev.kappa.roofline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

class LineTest {

  @Test
  void findsTheLineThatAllPointsLieOn() {
    Line line = Line.fit(new double[] {1, 10, 100}, new double[] {2.5, 7, 52});
    assertThat(line.fixed()).isCloseTo(2, within(1e-12));
    assertThat(line.perUnit()).isCloseTo(0.5, within(1e-12));
    assertThat(line.rate()).isCloseTo(2, within(1e-12));
    assertThat(line.at(1000)).isCloseTo(502, within(1e-9));
  }

  /** Ten percent off at the long end would hide the fixed part if errors counted in seconds. */
  @Test
  void weighsErrorsByTheTimeThatTheyAreIn() {
    double[] work = {1, 2, 4, 1000};
    Line line = Line.fit(work, new double[] {11, 12, 14, 1.1 * 1010});
    assertThat(line.fixed()).isCloseTo(10, within(0.5));
  }

  @Test
  void neverTakesLessThanNoTime() {
    Line through = Line.fit(new double[] {1, 2}, new double[] {1, 3});
    assertThat(through.fixed()).isZero();
    assertThat(through.perUnit()).isBetween(1.0, 1.5);
    assertThat(Line.fit(new double[] {1, 2}, new double[] {3, 2}).perUnit()).isZero();
  }

  @Test
  void needsTwoAmountsOfWorkAndPositiveTimes() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Line.fit(new double[] {3, 3}, new double[] {1, 2}));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Line.fit(new double[] {1, 2}, new double[] {0, 2}));
  }
}
