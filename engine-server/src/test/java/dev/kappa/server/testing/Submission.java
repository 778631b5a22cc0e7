package dev.kappa.server.testing;

import dev.kappa.engine.EngineException;
import dev.kappa.engine.Finish;
import dev.kappa.engine.GenerationRequest;
import dev.kappa.engine.OutputListener;
import dev.kappa.engine.RequestHandle;
import dev.kappa.sample.TokenLogprob;
import dev.kappa.text.Tokenizer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/** A request in a {@link ScriptedBackend}'s hands. */
public final class Submission implements RequestHandle {

  private final GenerationRequest request;
  private final OutputListener listener;
  private final ExecutorService engineThread;
  private final Tokenizer tokenizer;
  private final CountDownLatch cancelled = new CountDownLatch(1);
  private final AtomicBoolean ended = new AtomicBoolean();
  private final AtomicInteger generated = new AtomicInteger();
  private volatile int cachedTokens;
  private volatile int hostTokens;
  private volatile Finish.Restored restored = Finish.Restored.NOTHING;
  private volatile Finish.Account account =
      new Finish.Account(Double.NaN, 1_000, 0, 0, 0, 1_000, 0, Finish.Bound.COMPUTE);

  Submission(
      GenerationRequest request,
      OutputListener listener,
      ExecutorService engineThread,
      Tokenizer tokenizer) {
    this.request = request;
    this.listener = listener;
    this.engineThread = engineThread;
    this.tokenizer = tokenizer;
  }

  public GenerationRequest request() {
    return request;
  }

  /** Delivers text, one token per byte, with log probabilities if the request wants them. */
  public Submission text(String text) {
    int[] tokens = tokenizer.encode(text, false);
    generated.addAndGet(tokens.length);
    List<TokenLogprob> logprobs = new ArrayList<>();
    if (request.sampling().logprobs() >= 0) {
      for (int token : tokens) {
        logprobs.add(logprob(token, request.sampling().logprobs()));
      }
    }
    OutputListener.Delta delta = new OutputListener.Delta(text, tokens, logprobs);
    engineThread.execute(() -> listener.onDelta(delta));
    return this;
  }

  /** Delivers text, one token per byte, with these log probabilities. */
  public Submission text(String text, double... values) {
    int[] tokens = tokenizer.encode(text, false);
    generated.addAndGet(tokens.length);
    List<TokenLogprob> logprobs = new ArrayList<>();
    for (int i = 0; i < tokens.length; i++) {
      logprobs.add(new TokenLogprob(tokens[i], (float) values[i], 1, new int[0], new float[0]));
    }
    OutputListener.Delta delta = new OutputListener.Delta(text, tokens, logprobs);
    engineThread.execute(() -> listener.onDelta(delta));
    return this;
  }

  /** Delivers text as one token: for so much of it that a token per byte would take long. */
  public Submission bulk(String text) {
    generated.incrementAndGet();
    OutputListener.Delta delta = new OutputListener.Delta(text, new int[] {'x'}, List.of());
    engineThread.execute(() -> listener.onDelta(delta));
    return this;
  }

  /** Delivers tokens whose text is still held back. */
  public Submission heldBack(int... tokens) {
    generated.addAndGet(tokens.length);
    OutputListener.Delta delta = new OutputListener.Delta("", tokens, List.of());
    engineThread.execute(() -> listener.onDelta(delta));
    return this;
  }

  /** Delivers the prompt's log probabilities. */
  public Submission promptLogprobs() {
    List<TokenLogprob> logprobs = new ArrayList<>();
    for (int i = 1; i < request.prompt().length; i++) {
      logprobs.add(logprob(request.prompt()[i], request.sampling().promptLogprobs()));
    }
    engineThread.execute(() -> listener.onPromptLogprobs(logprobs));
    return this;
  }

  /** Says that so much of the prompt was cached, and how much of that in host memory. */
  public Submission cached(int tokens, int fromHost) {
    cachedTokens = tokens;
    hostTokens = fromHost;
    return this;
  }

  /** Says what was loaded from host memory. */
  public Submission restored(Finish.Restored what) {
    restored = what;
    return this;
  }

  /** Says what the way to the first token took. */
  public Submission account(Finish.Account what) {
    account = what;
    return this;
  }

  public Submission finish(Finish.Reason reason) {
    return finish(reason, null);
  }

  public Submission finish(Finish.Reason reason, @Nullable String stop) {
    return end(() -> {
      Finish.Usage usage =
          new Finish.Usage(request.prompt().length, generated.get(), cachedTokens, hostTokens);
      Finish.Timings timings = new Finish.Timings(1_000, 2_000, 3_000, 0);
      listener.onFinish(new Finish(reason, stop, usage, timings, restored, account));
    });
  }

  public Submission fail(EngineException error) {
    return end(() -> listener.onError(error));
  }

  /** A request ends once; what comes after is ignored, as the real engine does. */
  private Submission end(Runnable delivery) {
    engineThread.execute(() -> {
      if (ended.compareAndSet(false, true)) {
        delivery.run();
      }
    });
    return this;
  }

  /** -0.5 for the token itself, then -1, -2, … for the tokens after it. */
  private static TokenLogprob logprob(int token, int top) {
    int[] topTokens = new int[top];
    float[] topLogprobs = new float[top];
    for (int i = 0; i < top; i++) {
      topTokens[i] = (token + i) % 256;
      topLogprobs[i] = i == 0 ? -0.5f : -i;
    }
    return new TokenLogprob(token, -0.5f, 1, topTokens, topLogprobs);
  }

  @Override
  public String id() {
    return request.id();
  }

  @Override
  public void cancel() {
    if (cancelled.getCount() > 0) {
      cancelled.countDown();
      finish(Finish.Reason.ABORT);
    }
  }

  public boolean awaitCancelled() throws InterruptedException {
    return cancelled.await(Patience.LIMIT.toMillis(), TimeUnit.MILLISECONDS);
  }

  public boolean isCancelled() {
    return cancelled.getCount() == 0;
  }
}
