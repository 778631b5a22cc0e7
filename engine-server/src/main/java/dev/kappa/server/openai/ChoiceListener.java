package dev.kappa.server.openai;

import dev.kappa.engine.EngineException;
import dev.kappa.engine.Finish;
import dev.kappa.engine.OutputListener;
import dev.kappa.sample.TokenLogprob;
import dev.kappa.server.http.Exchange;
import java.util.List;

/** Carries a choice's output from the engine thread to the connection's event loop. */
record ChoiceListener(Generation generation, Exchange exchange, int index)
    implements OutputListener {

  @Override
  public void onPromptLogprobs(List<TokenLogprob> logprobs) {
    exchange.execute(() -> generation.promptLogprobs(index, logprobs));
  }

  @Override
  public void onDelta(Delta delta) {
    long nanos = System.nanoTime();
    exchange.execute(() -> generation.delta(index, delta, nanos));
  }

  @Override
  public void onFinish(Finish finish) {
    long nanos = System.nanoTime();
    exchange.execute(() -> generation.finish(index, finish, nanos));
  }

  @Override
  public void onError(EngineException error) {
    exchange.execute(() -> generation.error(error));
  }
}
