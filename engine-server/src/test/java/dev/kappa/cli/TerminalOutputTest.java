package dev.kappa.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kappa.engine.EngineException;
import dev.kappa.engine.Finish;
import dev.kappa.engine.OutputListener.Delta;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;

class TerminalOutputTest {

  private final ByteArrayOutputStream out = new ByteArrayOutputStream();
  private final ByteArrayOutputStream err = new ByteArrayOutputStream();
  private final TerminalOutput output =
      new TerminalOutput(
          new PrintStream(out, true, StandardCharsets.US_ASCII), new PrintStream(err, true));

  @Test
  void writesTextAsUtf8AndFiguresApart() throws Exception {
    output.onDelta(new Delta("hé", new int[] {1, 2}, List.of()));
    output.onDelta(new Delta("😀", new int[] {3}, List.of()));
    output.onFinish(
        new Finish(
            Finish.Reason.STOP,
            null,
            new Finish.Usage(10, 5, 4, 0),
            new Finish.Timings(0, 1_500_000_000L, 2_500_000_000L, 0),
            Finish.Restored.NOTHING,
            new Finish.Account(Double.NaN, 0, 0, 0, 0, 0, 0, Finish.Bound.COMPUTE)));
    output.await();
    assertThat(out.toString(StandardCharsets.UTF_8)).isEqualTo("hé😀" + System.lineSeparator());
    assertThat(err.toString(StandardCharsets.UTF_8).strip())
        .isEqualTo(
            "[stop; prompt 10 tokens, 4 cached; generated 5; first token 1.50 s,"
                + " then 4.0 tokens/s]");
  }

  @Test
  void throwsTheEnginesFailure() {
    EngineException failure = new EngineException(EngineException.Kind.INTERNAL, null, "broken");
    output.onError(failure);
    assertThatThrownBy(output::await).isSameAs(failure);
  }
}
