package dev.kappa.server.backend;

import dev.kappa.engine.Distributions;
import dev.kappa.engine.Engine;
import dev.kappa.engine.EngineInfo;
import dev.kappa.engine.EngineOptions;
import dev.kappa.engine.EngineStats;
import dev.kappa.engine.GenerationRequest;
import dev.kappa.engine.OutputListener;
import dev.kappa.engine.RequestHandle;
import dev.kappa.kv.RestoreMode;
import dev.kappa.kv.StorePolicy;
import dev.kappa.text.Tokenizer;
import java.util.concurrent.CompletableFuture;

/**
 * A real engine as the server sees it.
 *
 * @param engine stays its owner's to close
 * @param options what it was started with
 */
public record EngineBackend(Engine engine, EngineOptions options) implements InferenceBackend {

  @Override
  public RequestHandle submit(GenerationRequest request, OutputListener listener) {
    return engine.submit(request, listener);
  }

  @Override
  public CompletableFuture<Engine.Cleared> clearCache(boolean device, boolean host) {
    return engine.clearCache(device, host);
  }

  @Override
  public EngineInfo info() {
    return engine.info();
  }

  @Override
  public EngineStats stats() {
    return engine.stats();
  }

  @Override
  public boolean isStalled() {
    return engine.isStalled();
  }

  @Override
  public Distributions distributions() {
    return engine.distributions();
  }

  @Override
  public StorePolicy storePolicy() {
    return options.storePolicy();
  }

  @Override
  public RestoreMode restoreMode() {
    return options.restore();
  }

  @Override
  public Tokenizer tokenizer() {
    return engine.tokenizer();
  }
}
