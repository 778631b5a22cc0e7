package dev.kappa.server.testing;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kappa.device.Device;
import dev.kappa.device.Devices;
import dev.kappa.engine.Engine;
import dev.kappa.engine.EngineOptions;
import dev.kappa.model.ModelDirectory;
import dev.kappa.server.KappaServer;
import dev.kappa.server.ServerOptions;
import dev.kappa.server.backend.ChatRenderer;
import dev.kappa.server.backend.ChatTemplates;
import dev.kappa.server.backend.EngineBackend;
import dev.kappa.server.backend.SamplingDefaults;
import dev.kappa.server.backend.ServedModel;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** A server in front of the real engine with the model that ships, and a client for it. */
public final class HaystackServer implements AutoCloseable {

  public static final Path MODEL =
      Path.of(System.getProperty("basedir", "."), "..", "models", "haystack");

  private final HttpClient client = HttpClient.newHttpClient();
  private @Nullable Device device;
  private @Nullable Engine engine;
  private @Nullable KappaServer server;

  public void start() throws IOException {
    start(ServerOptions.local());
  }

  public void start(ServerOptions options) throws IOException {
    start(options, ChatTemplates.find(ModelDirectory.open(MODEL)));
  }

  /** With a chat template of its own. */
  public void start(ServerOptions options, @Nullable ChatRenderer chat) throws IOException {
    ModelDirectory directory = ModelDirectory.open(MODEL);
    Device cpu = Devices.open("cpu", 0).device();
    device = cpu;
    Engine started = Engine.builder(MODEL).start(cpu);
    engine = started;
    ServedModel model =
        new ServedModel(
            List.of("haystack"),
            0,
            new EngineBackend(started, EngineOptions.defaults()),
            chat,
            SamplingDefaults.of(directory.generation()));
    server = KappaServer.start(model, options);
  }

  public Engine engine() {
    return Objects.requireNonNull(engine);
  }

  public String url() {
    return Objects.requireNonNull(server).url();
  }

  public HttpRequest request(String path, String body) {
    return HttpRequest.newBuilder(URI.create(url() + path))
        .header("Content-Type", "application/json")
        .POST(BodyPublishers.ofString(body))
        .build();
  }

  public HttpClient client() {
    return client;
  }

  /** The body of a successful answer. */
  public String text(String path, String body) throws IOException, InterruptedException {
    HttpResponse<String> response = client.send(request(path, body), BodyHandlers.ofString());
    assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
    return response.body();
  }

  /** The same as JSON. */
  public JsonNode post(String path, String body) throws IOException, InterruptedException {
    return TestServer.JSON.readTree(text(path, body));
  }

  @Override
  public void close() {
    if (server != null) {
      server.close();
    }
    if (engine != null) {
      engine.close();
    }
    if (device != null) {
      device.close();
    }
    client.close();
  }
}
