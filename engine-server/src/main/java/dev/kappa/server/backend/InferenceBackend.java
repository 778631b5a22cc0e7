package dev.kappa.server.backend;

import dev.kappa.engine.EngineInfo;
import dev.kappa.engine.EngineStats;
import dev.kappa.engine.GenerationRequest;
import dev.kappa.engine.OutputListener;
import dev.kappa.engine.RequestHandle;
import dev.kappa.text.Tokenizer;

/** The part of {@link dev.kappa.engine.Engine} that the server uses. Thread-safe. */
public interface InferenceBackend {

  /**
   * As {@link dev.kappa.engine.Engine#submit}.
   *
   * @throws dev.kappa.engine.EngineException if the request cannot be taken
   */
  RequestHandle submit(GenerationRequest request, OutputListener listener);

  EngineInfo info();

  EngineStats stats();

  Tokenizer tokenizer();
}
