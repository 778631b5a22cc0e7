package dev.kappa.server.openai;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kappa.engine.Finish;
import java.util.List;
import org.junit.jupiter.api.Test;

class RequestLogTest {

  private static String outcome(Finish.Usage usage) {
    Choice choice = new Choice(0);
    choice.finish(
        new Finish(
            Finish.Reason.STOP,
            null,
            usage,
            new Finish.Timings(0, 0, 0, 0),
            Finish.Restored.NOTHING));
    return RequestLog.outcome(List.of(choice), usage, 1_500_000);
  }

  @Test
  void tellsWhatWasRestoredAndItsKappa() {
    assertThat(outcome(new Finish.Usage(1000, 5, 900, 640)))
        .isEqualTo(
            "200 stop, prompt 1000 (cached 900, from host 640, kappa 6.4), generated 5,"
                + " first token 1.5 ms");
  }

  @Test
  void saysNothingOfHostMemoryThatWasNotRead() {
    assertThat(outcome(new Finish.Usage(1000, 5, 900, 0)))
        .isEqualTo("200 stop, prompt 1000 (cached 900), generated 5, first token 1.5 ms");
  }
}
