package dev.kappa.plan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.kappa.model.ModelShapes;
import dev.kappa.roofline.Gpu;
import dev.kappa.roofline.Machine;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

class PlannerTest {

  private static final Machine H100 = Machine.Rated.of(Gpu.H100_SXM);
  private static final long GIB = 1L << 30;

  private static ModelShapes.Described model(String name) {
    return ModelShapes.read(Path.of("..", "models", "shapes", name));
  }

  @Test
  void countsTheTokensThatFit() {
    Plan plan =
        new Planner(model("llama-3.1-8b"), H100, 1, 8 * GIB, new Workload.Equal(8000, 7200, 0))
            .plan();
    Plan.Tiers tiers = plan.tiers();
    assertThat(tiers.kvBytesPerToken()).isEqualTo(131_072);
    assertThat(tiers.hostTokens()).isEqualTo(65_536);
    assertThat(tiers.weightBytes()).isEqualTo(16_060_522_496L);
    assertThat(tiers.deviceTokens())
        .isEqualTo((long) ((80 * GIB - 16_060_522_496L) * 0.9 / 131_072));
    assertThat(plan.hostSizes()).isEmpty();
    assertThat(plan.expected().kappa().mean()).isEqualTo(9);
    assertThat(plan.criticalAtContext()).isCloseTo(18, within(1.0));
  }

  @Test
  void saysThatAModelDoesNotFit() {
    Workload workload = new Workload.Equal(8000, 7200, 0);
    assertThat(new Planner(model("llama-3.1-70b"), H100, 1, 0, workload).plan().tiers())
        .extracting(Plan.Tiers::deviceTokens)
        .isEqualTo(0L);
    Plan two = new Planner(model("llama-3.1-70b"), H100, 2, 0, workload).plan();
    assertThat(two.tiers().deviceTokens()).isPositive();
    assertThat(two.tiers().kvBytesPerToken()).as("half of the heads").isEqualTo(163_840);
  }

  @Test
  void comparesWhatWouldChange() {
    Plan plan =
        new Planner(model("llama-3.1-8b"), H100, 1, 8 * GIB, new Workload.Equal(8000, 7990, 0))
            .plan();
    double load = plan.expected().loadMillis().mean();
    assertThat(load).isCloseTo(7990 * 131_072 / (64e9 * 0.89) * 1000, within(1e-9));
    assertThat(change(plan, "host KV in int8").expected().loadMillis().mean())
        .isCloseTo(load * (128 + 4) / 256, within(1e-9));
    assertThat(change(plan, "PCIe 6 x16").expected().loadMillis().mean())
        .isCloseTo(load / 2, within(1e-9));
    assertThat(change(plan, "PCIe 6 x16").kappaCritical()).isGreaterThan(plan.criticalAtContext());
    assertThat(change(plan, "B200, PCIe 5 x16").kappaCritical())
        .isLessThan(plan.criticalAtContext());
  }

  private static Plan.Change change(Plan plan, String what) {
    return plan.changes().stream()
        .filter(change -> change.what().equals(what))
        .findFirst()
        .orElseThrow();
  }

  @Test
  void showsWhatHostMemoryPays() {
    // 512 tokens of 131,072 bytes are 64 MiB: the trace's four blocks fit into 16 GiB.
    Plan plan =
        new Planner(
                model("llama-3.1-8b"), H100, 1, 128L << 20, new Workload.Recorded(Traces.small()))
            .plan();
    assertThat(plan.hostSizes()).hasSize(2);
    assertThat(plan.hostSizes().getLast().bytes()).isNull();
    assertThat(plan.hostSizes().getLast().tokens()).isEqualTo(2048);
    assertThat(plan.context()).isEqualTo(1024);
    assertThat(plan.prefixes())
        .extracting(Plan.Prefixes::cachedShare)
        .containsExactly(2559 / 4352.0, 2048 / 4352.0, 2559 / 4352.0);
    assertThat(plan.prefixes().getFirst().kappa().p90()).isEqualTo(1023);
    assertThat(plan.prefixes().getLast().kappa().p99()).as("all on the device").isZero();
  }
}
