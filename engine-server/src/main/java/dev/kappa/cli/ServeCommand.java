package dev.kappa.cli;

import dev.kappa.engine.EngineOptions;
import dev.kappa.server.KappaServer;
import dev.kappa.server.ServerOptions;
import dev.kappa.server.http.HttpLimits;
import java.io.IOException;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code kappa serve}: loads a model and answers HTTP until it is told to stop. */
@Command(
    name = "serve",
    description = "Serves a model behind an OpenAI-style HTTP API.",
    footer = Environment.FOOTER,
    mixinStandardHelpOptions = true)
final class ServeCommand implements Callable<Integer> {

  private static final System.Logger LOG = System.getLogger(ServeCommand.class.getName());

  @SuppressWarnings("NullAway.Init") // set by picocli
  @Spec
  private CommandSpec spec;

  @Mixin private ModelFlags model = new ModelFlags();

  @Option(
      names = "--host",
      paramLabel = "ADDRESS",
      defaultValue = "127.0.0.1",
      description = "Address to listen on; 0.0.0.0 for all (default: 127.0.0.1).")
  private String host = "127.0.0.1";

  @Option(
      names = "--port",
      paramLabel = "PORT",
      defaultValue = "8000",
      description = "Port to listen on; 0 for any free one (default: 8000).")
  private int port;

  @Option(
      names = "--served-model-name",
      paramLabel = "NAME",
      description =
          "Name the model answers to; may be repeated (default: the directory's or the file's).")
  private List<String> names = List.of();

  @Option(
      names = "--api-key",
      paramLabel = "KEY",
      description = "Key that clients must send as a bearer token.")
  private @Nullable String apiKey;

  @Option(
      names = "--max-body-mib",
      paramLabel = "MIB",
      defaultValue = "64",
      description = "Longest request body (default: 64).")
  private int maxBodyMib;

  @Option(
      names = "--max-queued-requests",
      paramLabel = "COUNT",
      defaultValue = "" + ServerOptions.DEFAULT_MAX_QUEUED_REQUESTS,
      description =
          "Requests that may wait; more are answered with 429; 0 for any number (default: "
              + ServerOptions.DEFAULT_MAX_QUEUED_REQUESTS
              + ").")
  private int maxQueuedRequests;

  @Option(
      names = "--shutdown-grace",
      paramLabel = "SECONDS",
      defaultValue = "5",
      description = "How long requests may finish when the server is told to stop (default: 5).")
  private int graceSeconds;

  @Override
  public Integer call() throws IOException, InterruptedException {
    CommandLine command = spec.commandLine();
    Checked.between(command, "--port", port, 0, 65_535);
    Checked.between(command, "--max-body-mib", maxBodyMib, 1, 2_000);
    Checked.between(command, "--max-queued-requests", maxQueuedRequests, 0, Integer.MAX_VALUE);
    Checked.between(command, "--shutdown-grace", graceSeconds, 0, 86_400);
    if (apiKey != null && apiKey.isBlank()) {
      throw new ParameterException(command, "--api-key must not be empty");
    }
    if (names.stream().anyMatch(String::isBlank)) {
      throw new ParameterException(command, "--served-model-name must not be empty");
    }
    HttpLimits limits = HttpLimits.DEFAULT.withMaxBodyBytes(maxBodyMib << 20);
    ServerOptions options = new ServerOptions(host, port, apiKey, limits, maxQueuedRequests);
    options.checkAddress();
    LoadedModel loaded = LoadedModel.load(model, engineOptions());
    try {
      List<String> served = names.isEmpty() ? List.of(loaded.directory().name()) : names;
      KappaServer server = KappaServer.start(loaded.served(served), options);
      Runtime.getRuntime()
          .addShutdownHook(new Thread(() -> stop(server, loaded), "kappa-shutdown"));
      System.out.print(
          Banner.of(
              loaded, server, served.getFirst(), apiKey != null, model.device().linkBandwidth()));
      System.out.flush();
    } catch (IOException e) {
      loaded.close();
      throw e;
    }
    // The shutdown hook ends the process.
    new CountDownLatch(1).await();
    return 0;
  }

  /** The first request is to find the kernels compiled. */
  private EngineOptions engineOptions() {
    return model.engineOptions(EngineOptions.AUTO_HOST).warmUp(true).build();
  }

  private void stop(KappaServer server, LoadedModel loaded) {
    int inFlight = server.inFlight();
    LOG.log(
        Level.INFO,
        inFlight == 0
            ? "stopping"
            : "stopping; requests in flight: " + inFlight + ", grace: " + graceSeconds + " s");
    server.close(Duration.ofSeconds(graceSeconds));
    loaded.close();
  }
}
