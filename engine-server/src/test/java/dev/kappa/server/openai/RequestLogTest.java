package dev.kappa.server.openai;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kappa.engine.Finish;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class RequestLogTest {

  private static final Finish.Account LOADED =
      new Finish.Account(
          5.9,
          1_000_000,
          11_800_000,
          12_000_000,
          29_000_000,
          30_000_000,
          11_000_000,
          Finish.Bound.COMPUTE);

  private static final Finish.Account COMPUTED =
      new Finish.Account(Double.NaN, 40_000_000, 0, 0, 0, 30_000_000, 0, Finish.Bound.QUEUE);

  private static String outcome(Finish.Usage usage, Finish.Account... accounts) {
    List<Choice> choices = new ArrayList<>();
    for (Finish.Account account : accounts) {
      Choice choice = new Choice(choices.size());
      choice.finish(
          new Finish(
              Finish.Reason.STOP,
              null,
              usage,
              new Finish.Timings(0, 0, 0, 0),
              Finish.Restored.NOTHING,
              account));
      choices.add(choice);
    }
    return RequestLog.outcome(choices, usage, 1_500_000);
  }

  @Test
  void tellsWhatWasRestoredAndWhatItTook() {
    assertThat(outcome(new Finish.Usage(1000, 5, 900, 640), LOADED))
        .isEqualTo(
            "200 stop, prompt 1000 (computed 100, device 260, host 640), generated 5,"
                + " first token 1.5 ms, kappa 6.4 (critical 5.9),"
                + " load 12.0 ms (expected 11.8 ms), compute 30.0 ms (expected 29.0 ms),"
                + " overlap 11.0 ms, queue 1.0 ms, bound by compute");
  }

  @Test
  void saysNothingOfALoadThatWasNot() {
    assertThat(outcome(new Finish.Usage(1000, 5, 900, 0), COMPUTED))
        .isEqualTo(
            "200 stop, prompt 1000 (computed 100, device 900, host 0), generated 5,"
                + " first token 1.5 ms, compute 30.0 ms, queue 40.0 ms, bound by queue");
  }

  @Test
  void tellsOfSeveralPromptsWhatBoundThem() {
    assertThat(outcome(new Finish.Usage(2000, 5, 1000, 640), LOADED, COMPUTED, LOADED))
        .endsWith("first token 1.5 ms, bound by compute+queue");
  }
}
