package dev.kappa.engine;

import dev.kappa.sample.TokenLogprob;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/** A request's whole output, collected. */
public final class Collected implements OutputListener {

  /** Long enough for any machine; only failing tests wait for it. */
  private static final long PATIENCE_SECONDS = 600;

  private final StringBuilder text = new StringBuilder();
  private final List<Integer> tokens = new ArrayList<>();
  private final List<TokenLogprob> logprobs = new ArrayList<>();
  private final List<TokenLogprob> promptLogprobs = new ArrayList<>();
  private final CompletableFuture<Finish> finished = new CompletableFuture<>();
  private final CompletableFuture<Void> firstToken = new CompletableFuture<>();
  private @Nullable RequestHandle handle;

  /** Submits a request; its output gathers in the result. */
  public static Collected submit(Engine engine, GenerationRequest request) {
    Collected collected = new Collected();
    collected.handle = engine.submit(request, collected);
    return collected;
  }

  @Override
  public synchronized void onPromptLogprobs(List<TokenLogprob> values) {
    promptLogprobs.addAll(values);
  }

  @Override
  public synchronized void onDelta(Delta delta) {
    text.append(delta.text());
    for (int token : delta.tokens()) {
      tokens.add(token);
    }
    logprobs.addAll(delta.logprobs());
    firstToken.complete(null);
  }

  @Override
  public void onFinish(Finish finish) {
    if (!finished.complete(finish)) {
      throw new IllegalStateException("finished twice");
    }
  }

  @Override
  public void onError(EngineException error) {
    if (!finished.completeExceptionally(error)) {
      throw new IllegalStateException("failed after the end");
    }
  }

  /** Waits for the end. */
  public Finish finish() {
    return await(finished);
  }

  /** Waits for the first output. */
  public void awaitFirstToken() {
    await(firstToken);
  }

  public void cancel() {
    java.util.Objects.requireNonNull(handle).cancel();
  }

  /** The generated tokens, once it ended. */
  public List<Integer> tokens() {
    finish();
    return tokens;
  }

  /** The generated text, once it ended. */
  public String text() {
    finish();
    return text.toString();
  }

  public List<TokenLogprob> logprobs() {
    finish();
    return logprobs;
  }

  public List<TokenLogprob> promptLogprobs() {
    finish();
    return promptLogprobs;
  }

  private static <T> T await(CompletableFuture<T> future) {
    try {
      return future.get(PATIENCE_SECONDS, TimeUnit.SECONDS);
    } catch (java.util.concurrent.ExecutionException e) {
      if (e.getCause() instanceof EngineException failure) {
        throw failure;
      }
      throw new IllegalStateException(e.getCause());
    } catch (TimeoutException e) {
      throw new IllegalStateException("no end after " + PATIENCE_SECONDS + " s", e);
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }
}
