package dev.kappa.server.backend;

import dev.kappa.engine.Engine;
import dev.kappa.engine.EngineInfo;
import dev.kappa.engine.EngineStats;
import dev.kappa.engine.GenerationRequest;
import dev.kappa.engine.OutputListener;
import dev.kappa.engine.RequestHandle;
import dev.kappa.text.Tokenizer;

/** A real engine as the server sees it; the engine stays its owner's to close. */
public record EngineBackend(Engine engine) implements InferenceBackend {

  @Override
  public RequestHandle submit(GenerationRequest request, OutputListener listener) {
    return engine.submit(request, listener);
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
  public Tokenizer tokenizer() {
    return engine.tokenizer();
  }
}
