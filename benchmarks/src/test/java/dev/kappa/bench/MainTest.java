package dev.kappa.bench;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;

class MainTest {

  private final StringWriter errors = new StringWriter();

  private int execute(String... arguments) {
    CommandLine commandLine = Main.commandLine();
    commandLine.setErr(new PrintWriter(errors, true));
    return commandLine.execute(arguments);
  }

  @Test
  void wrongUseIsOneLine() {
    assertThat(execute("kappa-sweep", "m", "--kappa", "many")).isEqualTo(2);
    assertThat(errors.toString()).startsWith("kappa: ").hasLineCount(1);
  }

  @Test
  void missingModelIsOneLine() {
    assertThat(execute("kappa-sweep", "no/such/model")).isEqualTo(1);
    assertThat(execute("offload-overhead", "no/such/model")).isEqualTo(1);
    assertThat(errors.toString()).hasLineCount(2).contains("no/such/model");
  }
}
