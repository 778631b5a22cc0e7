package dev.kappa.server.testing;

import dev.kappa.device.DType;
import dev.kappa.device.DeviceInfo;
import dev.kappa.engine.Distributions;
import dev.kappa.engine.Engine;
import dev.kappa.engine.EngineException;
import dev.kappa.engine.EngineInfo;
import dev.kappa.engine.EngineStats;
import dev.kappa.engine.GenerationRequest;
import dev.kappa.engine.OutputListener;
import dev.kappa.engine.RequestHandle;
import dev.kappa.kv.RestoreMode;
import dev.kappa.kv.StorePolicy;
import dev.kappa.model.AttentionConfig;
import dev.kappa.model.ModelConfig;
import dev.kappa.model.RopeConfig;
import dev.kappa.roofline.MeasuredRates;
import dev.kappa.server.backend.InferenceBackend;
import dev.kappa.text.Tokenizer;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * An engine whose output tests write themselves. Output reaches listeners on one engine thread, as
 * the real one's does. Requests go to the script if there is one, else to {@link #next}.
 */
public final class ScriptedBackend implements InferenceBackend, AutoCloseable {

  public static final int CONTEXT = 512;

  private final ExecutorService engineThread =
      Executors.newSingleThreadExecutor(
          Thread.ofPlatform().name("scripted-engine").daemon().factory());
  private final Tokenizer tokenizer = new ByteTokenizer();
  private final BlockingQueue<Submission> waiting = new LinkedBlockingQueue<>();
  private final BlockingQueue<ClearCall> clearCalls = new LinkedBlockingQueue<>();
  private final List<Submission> all = new CopyOnWriteArrayList<>();
  private volatile @Nullable Consumer<Submission> script;
  private volatile @Nullable EngineException refusal;
  private final Distributions distributions = Distributions.empty();
  private volatile boolean stalled;
  private volatile EngineStats stats =
      new EngineStats(0, 0, 0, KvBooks.of(0, 0, 64), 0, 0, 0, 0, 0, 0, MeasuredRates.NONE, false);

  /** Has every later request answered by a script, run on the engine thread; null for none. */
  public void script(@Nullable Consumer<Submission> script) {
    this.script = script;
  }

  /** Has every later request refused; null to take them again. */
  public void refuse(@Nullable EngineException refusal) {
    this.refusal = refusal;
  }

  public void stats(EngineStats stats) {
    this.stats = stats;
  }

  /** Says from now on that a step does not end, or that all is well. */
  public void stalled(boolean stalled) {
    this.stalled = stalled;
  }

  /** Every request so far. */
  public List<Submission> all() {
    return all;
  }

  /** The next request that no script answers. */
  public Submission next() throws InterruptedException {
    Submission submission = waiting.poll(Patience.LIMIT.toMillis(), TimeUnit.MILLISECONDS);
    if (submission == null) {
      throw new AssertionError("no request reached the engine");
    }
    return submission;
  }

  @Override
  public RequestHandle submit(GenerationRequest request, OutputListener listener) {
    EngineException e = refusal;
    if (e != null) {
      throw e;
    }
    Submission submission = new Submission(request, listener, engineThread, tokenizer);
    all.add(submission);
    Consumer<Submission> answer = script;
    if (answer == null) {
      waiting.add(submission);
    } else {
      engineThread.execute(() -> answer.accept(submission));
    }
    return submission;
  }

  /** The calls of {@link #clearCache} in their order, for tests to complete. */
  public BlockingQueue<ClearCall> clearCalls() {
    return clearCalls;
  }

  /** A call of {@link #clearCache} and its result. */
  public record ClearCall(boolean device, boolean host, CompletableFuture<Engine.Cleared> result) {}

  @Override
  public CompletableFuture<Engine.Cleared> clearCache(boolean device, boolean host) {
    ClearCall call = new ClearCall(device, host, new CompletableFuture<>());
    clearCalls.add(call);
    return call.result();
  }

  @Override
  public StorePolicy storePolicy() {
    return StorePolicy.WRITE_BACK;
  }

  @Override
  public RestoreMode restoreMode() {
    return RestoreMode.LOAD_WHOLE;
  }

  @Override
  public EngineInfo info() {
    ModelConfig model =
        new ModelConfig(
            "LlamaForCausalLM",
            8,
            16,
            1,
            258,
            CONTEXT,
            1e-5f,
            new AttentionConfig(1, 1, 8, new RopeConfig(10_000, null)),
            true,
            DType.F32);
    DeviceInfo device = new DeviceInfo("cpu", "scripted", "scripted-1", DType.F32);
    return new EngineInfo(model, device, CONTEXT, 16, 64, 8, 256, DType.F32, 64, 32 << 10);
  }

  @Override
  public EngineStats stats() {
    return stats;
  }

  @Override
  public boolean isStalled() {
    return stalled;
  }

  @Override
  public Distributions distributions() {
    return distributions;
  }

  @Override
  public Tokenizer tokenizer() {
    return tokenizer;
  }

  @Override
  public void close() {
    engineThread.shutdownNow();
  }
}
