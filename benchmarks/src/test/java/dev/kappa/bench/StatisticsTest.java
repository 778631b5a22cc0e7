package dev.kappa.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.Random;
import org.junit.jupiter.api.Test;

class StatisticsTest {

  @Test
  void medianIsTheMiddleOrTheMeanOfBothMiddles() {
    assertThat(Statistics.median(9, 1, 2)).isEqualTo(2);
    assertThat(Statistics.median(9, 1, 2, 4)).isEqualTo(3);
    assertThat(Statistics.median(7)).isEqualTo(7);
    assertThatIllegalArgumentException().isThrownBy(Statistics::median);
  }

  @Test
  void medianLeavesItsValuesInOrder() {
    double[] values = {3, 1, 2};
    assertThat(Statistics.median(values)).isEqualTo(2);
    assertThat(values).containsExactly(3, 1, 2);
  }

  @Test
  void intervalOfEqualValuesIsThatValue() {
    assertThat(Statistics.medianInterval(new double[] {2, 2, 2}, 1))
        .isEqualTo(new Statistics.Interval(2, 2));
  }

  @Test
  void intervalIsDecidedByItsSeed() {
    double[] values = new Random(5).doubles(15).toArray();
    assertThat(Statistics.medianInterval(values, 1))
        .isEqualTo(Statistics.medianInterval(values, 1));
  }

  /** Binomial counts with 200 trials at 95 % stay above 180 but for one time in 10,000. */
  @Test
  void intervalsCoverTheTrueMedianAboutAsOftenAsTheySay() {
    Random random = new Random(6);
    int covered = 0;
    for (int i = 0; i < 200; i++) {
      double[] values = random.doubles(31).map(x -> x * x * x).toArray();
      Statistics.Interval interval = Statistics.medianInterval(values, i);
      boolean covers = interval.low() <= 0.125 && 0.125 <= interval.high();
      covered += covers ? 1 : 0;
    }
    assertThat(covered).isGreaterThanOrEqualTo(180);
  }
}
