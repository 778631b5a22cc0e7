package dev.kappa.engine;

import dev.kappa.device.Device;
import dev.kappa.kv.BlockTable;
import dev.kappa.model.GenerationDefaults;
import dev.kappa.sample.InvalidSamplingException;
import dev.kappa.sample.LogitsAdjuster;
import dev.kappa.schedule.Sequence;
import dev.kappa.text.Tokenizer;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * A running model: takes requests from any thread, batches them step by step on one engine thread,
 * and streams their output. Thread-safe.
 */
public final class Engine implements AutoCloseable {

  private final EngineParts parts;
  private final EngineLoop loop;
  private final Set<Integer> endTokens;
  private final SplittableRandom seeds;
  private final Object closing = new Object();
  private boolean closed;

  private Engine(EngineParts parts) {
    this.parts = parts;
    loop = parts.newLoop();
    endTokens = new HashSet<>();
    parts.defaults().eosTokens().forEach(endTokens::add);
    seeds = new SplittableRandom(parts.seed());
  }

  /** Starts to describe an engine for a model directory. */
  public static Builder builder(Path model) {
    return new Builder(model);
  }

  /**
   * Takes a request.
   *
   * @throws EngineException if the request cannot be served: prompt empty or too long, token ids
   *     out of range, engine closed
   */
  public RequestHandle submit(GenerationRequest request, OutputListener listener) {
    validate(request);
    ActiveRequest active = activate(request, listener);
    synchronized (this) {
      if (closed || !loop.post(l -> l.submit(active))) {
        throw closed();
      }
    }
    return new RequestHandle() {
      @Override
      public String id() {
        return request.id();
      }

      @Override
      public void cancel() {
        loop.post(l -> l.cancel(active));
      }
    };
  }

  /** Takes a request whose output is read by blocking calls, see {@link #submit}. */
  public TokenStream stream(GenerationRequest request) {
    return TokenStream.open(this, request);
  }

  /**
   * Takes a request of which only the end is wanted, see {@link #submit}.
   *
   * @return how it ended; fails with an {@link EngineException} if it failed
   */
  public CompletableFuture<Finish> complete(GenerationRequest request) {
    CompletableFuture<Finish> end = new CompletableFuture<>();
    submit(
        request,
        new OutputListener() {
          @Override
          public void onDelta(Delta delta) {}

          @Override
          public void onFinish(Finish finish) {
            end.complete(finish);
          }

          @Override
          public void onError(EngineException error) {
            end.completeExceptionally(error);
          }
        });
    return end;
  }

  /** What the engine runs with. */
  public EngineInfo info() {
    return parts.info();
  }

  /** Counters and gauges as of the last step. */
  public EngineStats stats() {
    return loop.stats();
  }

  /**
   * Whether a step has run for more than ten times what was expected of it and a minute: something
   * that it waits for stands still, and requests cannot be served until it moves.
   */
  public boolean isStalled() {
    return loop.isStalled();
  }

  /** How what the engine does is distributed; the same object every time. */
  public Distributions distributions() {
    return loop.distributions();
  }

  /**
   * Forgets cached prefixes that no running request holds.
   *
   * @param device whether on the device
   * @param host whether in host memory
   * @return how many blocks were forgotten on both, once done; fails with an {@link
   *     EngineException} if the engine closes before
   */
  public CompletableFuture<Cleared> clearCache(boolean device, boolean host) {
    CompletableFuture<Cleared> cleared = new CompletableFuture<>();
    if (!loop.post(l -> cleared.complete(l.clearCache(device, host)))) {
      cleared.completeExceptionally(closed());
    }
    return cleared;
  }

  /** Recounts all KV blocks; fails if the books do not balance. For tests. */
  CompletableFuture<Void> audit() {
    CompletableFuture<Void> balanced = new CompletableFuture<>();
    boolean posted =
        loop.post(l -> {
          try {
            l.audit();
            balanced.complete(null);
          } catch (IllegalStateException e) {
            balanced.completeExceptionally(e);
          }
        });
    if (!posted) {
      balanced.completeExceptionally(closed());
    }
    return balanced;
  }

  /**
   * Blocks whose content was forgotten.
   *
   * @param device on the device
   * @param host in host memory
   */
  public record Cleared(int device, int host) {}

  /** The model's tokenizer; lives as long as the engine. */
  public Tokenizer tokenizer() {
    return parts.tokenizer();
  }

  /** What the model's {@code generation_config.json} says. */
  public GenerationDefaults generationDefaults() {
    return parts.defaults();
  }

  /**
   * Ends running requests with {@link Finish.Reason#ABORT} and frees everything; all of that is
   * done when it returns, whoever began it.
   *
   * @throws IllegalStateException if called by a listener, whose thread would wait for itself
   */
  @Override
  public void close() {
    if (loop.isCurrent()) {
      throw new IllegalStateException("a listener cannot close the engine that calls it");
    }
    synchronized (closing) {
      closeOnce();
    }
  }

  private void closeOnce() {
    synchronized (this) {
      if (closed) {
        return;
      }
      closed = true;
    }
    loop.close();
    parts.close();
    loop.closed();
  }

  private ActiveRequest activate(GenerationRequest request, OutputListener listener) {
    int[] prompt = request.prompt();
    int maxTokens = request.sampling().maxTokens();
    boolean promptLogprobs = request.sampling().promptLogprobs() >= 0;
    Set<Integer> ends = new HashSet<>(request.sampling().stopTokens());
    if (!request.sampling().ignoreEos()) {
      ends.addAll(endTokens);
    }
    return new ActiveRequest(
        request,
        listener,
        new Sequence(
            prompt, prompt.length + maxTokens, promptLogprobs, new BlockTable(request.cacheSalt())),
        parts.tokenizer().newDecoder(request.sampling().skipSpecialTokens()),
        ends,
        adjuster(request, ends),
        seedOf(request),
        parts.clock().nanos());
  }

  private @Nullable LogitsAdjuster adjuster(GenerationRequest request, Set<Integer> ends) {
    try {
      return LogitsAdjuster.of(
          request.sampling().adjustments(),
          request.prompt(),
          ends,
          info().model().vocabularySize());
    } catch (InvalidSamplingException e) {
      throw invalid(e.parameter(), String.valueOf(e.getMessage()));
    }
  }

  private long seedOf(GenerationRequest request) {
    Long seed = request.sampling().seed();
    if (seed != null) {
      return seed;
    }
    synchronized (seeds) {
      return seeds.nextLong();
    }
  }

  private void validate(GenerationRequest request) {
    int[] prompt = request.prompt();
    if (prompt.length == 0) {
      throw invalid("prompt", "the prompt is empty");
    }
    int vocabulary = info().model().vocabularySize();
    for (int i = 0; i < prompt.length; i++) {
      if (prompt[i] < 0 || prompt[i] >= vocabulary) {
        throw invalid(
            "prompt",
            "token id %d at position %d of the prompt is outside the vocabulary of %d"
                .formatted(prompt[i], i, vocabulary));
      }
    }
    int limit = info().maxModelLength();
    int maxTokens = request.sampling().maxTokens();
    if (prompt.length > limit || (maxTokens > 0 && prompt.length == limit)) {
      throw invalid(
          "prompt",
          "the prompt has %d tokens, but the context is %d tokens, output included"
              .formatted(prompt.length, limit));
    }
    if (maxTokens > limit - prompt.length) {
      throw invalid(
          "max_tokens",
          "the prompt's %d tokens and max_tokens %d exceed the context of %d tokens"
              .formatted(prompt.length, maxTokens, limit));
    }
  }

  private static EngineException closed() {
    return new EngineException(EngineException.Kind.UNAVAILABLE, null, "the engine is closed");
  }

  private static EngineException invalid(String parameter, String message) {
    return new EngineException(EngineException.Kind.INVALID_REQUEST, parameter, message);
  }

  /** Collects what an engine needs. */
  public static final class Builder {
    private final Path model;
    private EngineOptions options = EngineOptions.defaults();
    private LoadProgress progress = (done, total) -> {};
    private @Nullable Tokenizer tokenizer;
    private @Nullable Path trace;

    private Builder(Path model) {
      this.model = model;
    }

    public Builder options(EngineOptions options) {
      this.options = options;
      return this;
    }

    /** Called while weights load. */
    public Builder progress(LoadProgress progress) {
      this.progress = progress;
      return this;
    }

    /** Takes the place of the tokenizer in the model directory; the engine closes it. */
    public Builder tokenizer(Tokenizer tokenizer) {
      this.tokenizer = tokenizer;
      return this;
    }

    /**
     * Writes steps, their parts, copies and requests to a file that Perfetto and Chrome show; null
     * for none. It is complete once the engine is closed.
     */
    public Builder trace(@Nullable Path file) {
      trace = file;
      return this;
    }

    /**
     * Loads the model and starts the engine thread.
     *
     * @param device computes; the caller closes it after the engine
     * @throws dev.kappa.model.ModelException if the model cannot be loaded
     * @throws dev.kappa.text.TextException if its tokenizer cannot be loaded
     * @throws dev.kappa.device.DeviceException if it does not fit
     * @throws EngineException if the options contradict the model, or the trace cannot be written
     */
    public Engine start(Device device) {
      EngineParts parts = EngineParts.load(model, options, tokenizer, progress, trace, device);
      try {
        return new Engine(parts);
      } catch (RuntimeException | Error e) {
        parts.close();
        throw e;
      }
    }
  }
}
