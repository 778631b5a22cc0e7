package dev.kappa.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.abort;

import dev.kappa.device.Device;
import dev.kappa.device.DeviceOptions;
import dev.kappa.device.Devices;
import dev.kappa.engine.EngineException;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** That the comparison runs and counts; how near the two come depends on what else runs. */
@Timeout(600)
class PredictionTest {

  @Test
  void comparesWhatWasPredictedWithWhatCame() throws InterruptedException {
    Path model = Path.of("..", "models", "haystack");
    Prediction.Settings settings =
        new Prediction.Settings(model, 4, 6, 1, 0.3, 256, false, 1, null);
    DeviceOptions throttled = new DeviceOptions(0, 0, 200_000_000, false);
    try (Device device = Devices.open("cpu", throttled).device()) {
      Prediction.Result result = run(settings, device);
      assertThat(result.measured().maxBatchedTokens()).isEqualTo(256);
      Prediction.Round round = result.rounds().getFirst();
      assertThat(round.predicted().finished()).isEqualTo(6);
      assertThat(round.found().finished()).isEqualTo(6);
      assertThat(round.found().stats().promptTokens())
          .isEqualTo(round.predicted().stats().promptTokens());
      assertThat(result.firstTokenRatio())
          .isEqualTo(
              round.found().firstTokenMillis().p50() / round.predicted().firstTokenMillis().p50());
      ByteArrayOutputStream printed = new ByteArrayOutputStream();
      PredictionCommand.print(result, new PrintStream(printed, true, StandardCharsets.UTF_8));
      assertThat(printed.toString(StandardCharsets.UTF_8))
          .contains("first token p50, ms")
          .contains("(median of 1 rounds)");
    }
  }

  /** Tries again where something else had so much of the machine that it could not be measured. */
  private static Prediction.Result run(Prediction.Settings settings, Device device)
      throws InterruptedException {
    for (int attempt = 0; attempt < 5; attempt++) {
      try {
        return new Prediction(settings, device).run(message -> {});
      } catch (EngineException e) {
        assertThat(e).hasMessageContaining("too busy to be measured");
      }
    }
    return abort("too busy to be measured");
  }
}
