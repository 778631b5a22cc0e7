package dev.kappa.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kappa.engine.EngineOptions;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;

class CompleteCommandTest {

  private static EngineOptions options(String... arguments) {
    CompleteCommand command = new CompleteCommand();
    new CommandLine(command).parseArgs(arguments);
    return command.engineOptions();
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
