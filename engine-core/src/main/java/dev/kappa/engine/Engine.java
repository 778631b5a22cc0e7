package dev.kappa.engine;

import dev.kappa.device.Device;
import dev.kappa.text.Tokenizer;
import java.nio.file.Path;

/**
 * A running model: takes requests from any thread, batches them step by step on one engine thread,
 * and streams their output.
 */
public final class Engine implements AutoCloseable {

  private Engine() {}

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
    throw new UnsupportedOperationException();
  }

  public EngineInfo info() {
    throw new UnsupportedOperationException();
  }

  public EngineStats stats() {
    throw new UnsupportedOperationException();
  }

  /** The model's tokenizer; lives as long as the engine. */
  public Tokenizer tokenizer() {
    throw new UnsupportedOperationException();
  }

  /** Ends running requests with {@link Finish.Reason#ABORT} and frees everything. */
  @Override
  public void close() {}

  /** Collects what an engine needs. */
  public static final class Builder {
    private final Path model;
    private EngineOptions options = EngineOptions.defaults();
    private LoadProgress progress = (done, total) -> {};

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

    /**
     * Loads the model and starts the engine thread.
     *
     * @param device computes; the engine closes it when it is closed
     * @throws dev.kappa.model.ModelException if the model cannot be loaded
     * @throws dev.kappa.device.DeviceException if it does not fit
     */
    public Engine start(Device device) {
      throw new UnsupportedOperationException(model + " " + options + " " + progress + device);
    }
  }

  /** Watches weights load. */
  @FunctionalInterface
  public interface LoadProgress {

    /** So many bytes of so many are loaded. */
    void onProgress(long doneBytes, long totalBytes);
  }
}
