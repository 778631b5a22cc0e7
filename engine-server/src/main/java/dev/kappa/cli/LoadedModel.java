package dev.kappa.cli;

import dev.kappa.cli.show.LoadBar;
import dev.kappa.device.Device;
import dev.kappa.device.Devices;
import dev.kappa.engine.Engine;
import dev.kappa.engine.EngineOptions;
import dev.kappa.model.ModelDirectory;
import dev.kappa.server.backend.ChatRenderer;
import dev.kappa.server.backend.ChatTemplates;
import dev.kappa.server.backend.EngineBackend;
import dev.kappa.server.backend.SamplingDefaults;
import dev.kappa.server.backend.ServedModel;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A model that runs.
 *
 * @param directory where it came from
 * @param engine runs it; owned
 * @param options what it was started with
 * @param device where it runs; owned
 * @param deviceReason why it runs where it runs
 * @param defaults what requests that do not say are sampled with
 * @param chat renders conversations; null if the model has no chat template
 */
record LoadedModel(
    ModelDirectory directory,
    Engine engine,
    EngineOptions options,
    Device device,
    String deviceReason,
    SamplingDefaults defaults,
    @Nullable ChatRenderer chat)
    implements AutoCloseable {

  /** Loads the flags' model on the flags' device. */
  static LoadedModel load(ModelFlags flags, EngineOptions options) {
    ModelDirectory directory = ModelDirectory.open(flags.model());
    SamplingDefaults defaults = SamplingDefaults.of(directory.generation());
    ChatRenderer chat = ChatTemplates.find(directory);
    Devices.Choice choice = flags.device().open();
    Device device = choice.device();
    boolean started = false;
    try {
      Engine engine =
          Engine.builder(flags.model())
              .options(options)
              .trace(flags.traceOut())
              .progress(LoadBar.onStandardError())
              .start(device);
      started = true;
      return new LoadedModel(directory, engine, options, device, choice.reason(), defaults, chat);
    } finally {
      if (!started) {
        device.close();
      }
    }
  }

  ServedModel served(List<String> names) {
    return new ServedModel(
        names, Instant.now().getEpochSecond(), new EngineBackend(engine, options), chat, defaults);
  }

  @Override
  public void close() {
    engine.close();
    device.close();
  }
}
