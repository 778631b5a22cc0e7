package dev.kappa.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kappa.plan.PlanException;
import java.util.List;
import org.junit.jupiter.api.Test;

class SweepPointTest {

  @Test
  void takesWholeBlocksOutOfTheContext() {
    assertThat(SweepPoint.of(List.of(3.0, 1.0), 1000, 16))
        .containsExactly(new SweepPoint(496, 504), new SweepPoint(752, 248));
  }

  @Test
  void leavesATokenToCompute() {
    assertThat(SweepPoint.of(List.of(1e6), 1024, 64)).containsExactly(new SweepPoint(960, 64));
    assertThat(SweepPoint.of(List.of(1e6), 1025, 64)).containsExactly(new SweepPoint(1024, 1));
  }

  @Test
  void hasAtLeastABlockAndNoPointTwice() {
    assertThat(SweepPoint.of(List.of(1e-6, 0.001, 0.01), 1024, 64))
        .containsExactly(new SweepPoint(64, 960));
  }

  @Test
  void refusesWhatCannotBeMeasured() {
    assertThatThrownBy(() -> SweepPoint.of(List.of(1.0), 64, 64)).isInstanceOf(PlanException.class);
    assertThatIllegalArgumentException().isThrownBy(() -> SweepPoint.of(List.of(0.0), 128, 64));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> SweepPoint.of(List.of(Double.NaN), 128, 64));
  }

  @Test
  void lookCloserAroundTheCriticalValueWhereverItIs() {
    assertThat(SweepPoint.kappasAround(10)).contains(0.25, 100.0, 10.0, 6.0, 17.0);
    assertThat(SweepPoint.kappasAround(1e9)).containsExactly(0.25, 1.0, 4.0, 16.0, 100.0);
    assertThat(SweepPoint.kappasAround(Double.POSITIVE_INFINITY)).hasSize(5);
  }
}
