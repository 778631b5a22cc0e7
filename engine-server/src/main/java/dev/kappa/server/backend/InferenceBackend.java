package dev.kappa.server.backend;

import dev.kappa.engine.Distributions;
import dev.kappa.engine.Engine;
import dev.kappa.engine.EngineInfo;
import dev.kappa.engine.EngineStats;
import dev.kappa.engine.GenerationRequest;
import dev.kappa.engine.OutputListener;
import dev.kappa.engine.RequestHandle;
import dev.kappa.kv.RestoreMode;
import dev.kappa.kv.StorePolicy;
import dev.kappa.text.Tokenizer;
import java.util.concurrent.CompletableFuture;

/** The part of {@link dev.kappa.engine.Engine} that the server uses. Thread-safe. */
public interface InferenceBackend {

  /**
   * As {@link dev.kappa.engine.Engine#submit}.
   *
   * @throws dev.kappa.engine.EngineException if the request cannot be taken
   */
  RequestHandle submit(GenerationRequest request, OutputListener listener);

  /** As {@link dev.kappa.engine.Engine#clearCache}. */
  CompletableFuture<Engine.Cleared> clearCache(boolean device, boolean host);

  EngineInfo info();

  /** When blocks are copied to host memory. */
  StorePolicy storePolicy();

  /** What becomes of prefixes in host memory. */
  RestoreMode restoreMode();

  EngineStats stats();

  /** As {@link dev.kappa.engine.Engine#isStalled}. */
  boolean isStalled();

  /** As {@link dev.kappa.engine.Engine#distributions}. */
  Distributions distributions();

  Tokenizer tokenizer();
}
