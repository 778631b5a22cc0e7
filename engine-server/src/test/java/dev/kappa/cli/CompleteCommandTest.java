package dev.kappa.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kappa.engine.EngineOptions;
import dev.kappa.sample.Adjustments;
import dev.kappa.sample.SamplingParams;
import dev.kappa.server.backend.SamplingDefaults;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;

class CompleteCommandTest {

  private static CompleteCommand parsed(String... arguments) {
    CompleteCommand command = new CompleteCommand();
    new CommandLine(command).parseArgs(arguments);
    return command;
  }

  private static EngineOptions options(String... arguments) {
    return parsed(arguments).engineOptions();
  }

  @Test
  void samplesAsTheModelRecommends() {
    SamplingDefaults model = new SamplingDefaults(0.6, 20, 0.95, 0.02, 1.1, 5);
    SamplingParams sampling = parsed("m", "hello").sampling(model, 9);
    assertThat(sampling.temperature()).isEqualTo(0.6);
    assertThat(sampling.topK()).isEqualTo(20);
    assertThat(sampling.topP()).isEqualTo(0.95);
    assertThat(sampling.minP()).isEqualTo(0.02);
    assertThat(sampling.adjustments().repetitionPenalty()).isEqualTo(1.1);
  }

  @Test
  void samplesAsTheCommandLineSaysRatherThanAsTheModelRecommends() {
    SamplingDefaults model = new SamplingDefaults(0.6, 20, 0.95, 0.02, 1.1, 5);
    SamplingParams sampling =
        parsed("m", "hello", "--min-p", "0.5", "--repetition-penalty", "1").sampling(model, 9);
    assertThat(sampling.minP()).isEqualTo(0.5);
    assertThat(sampling.adjustments()).isEqualTo(Adjustments.NONE);
  }

  @Test
  void keepsNoKvInHostMemory() {
    assertThat(options("m", "hello").hostBytes()).isZero();
  }

  @Test
  void keepsKvInHostMemoryIfAskedTo() {
    assertThat(options("m", "hello", "--kv-offloading-size", "0.5").hostBytes())
        .isEqualTo(1L << 29);
  }
}
