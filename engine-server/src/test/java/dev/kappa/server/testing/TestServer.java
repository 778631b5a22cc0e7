package dev.kappa.server.testing;

import dev.kappa.engine.Finish;
import dev.kappa.server.KappaServer;
import dev.kappa.server.ServerOptions;
import dev.kappa.server.backend.ChatRenderer;
import dev.kappa.server.backend.SamplingDefaults;
import dev.kappa.server.backend.ServedModel;
import dev.kappa.text.TextException;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** A server on a free port in front of a {@link ScriptedBackend}, and a client for it. */
public final class TestServer implements AutoCloseable {

  public static final JsonMapper JSON = JsonMapper.shared();
  public static final long CREATED = 1_700_000_000;

  private final ScriptedBackend backend = new ScriptedBackend();
  private final KappaServer server;
  private final HttpClient client =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

  public TestServer() {
    this(ServerOptions.local(), SamplingDefaults.NEUTRAL);
  }

  public TestServer(ServerOptions options, SamplingDefaults defaults) {
    this(options, defaults, renderer());
  }

  public TestServer(ServerOptions options, SamplingDefaults defaults, ChatRenderer renderer) {
    ServedModel model =
        new ServedModel(List.of("tiny", "alias/two"), CREATED, backend, renderer, defaults);
    try {
      server = KappaServer.start(model, options);
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  /** {@code <role>content} for each message, then {@code <assistant>}. */
  private static ChatRenderer renderer() {
    return (messages, addGenerationPrompt, variables) -> {
      StringBuilder text = new StringBuilder();
      for (var message : messages) {
        if ("tool".equals(message.get("role"))) {
          throw new TextException("the template knows no tools");
        }
        text.append('<').append(message.get("role")).append('>').append(message.get("content"));
      }
      return text + (addGenerationPrompt ? "<assistant>" : "");
    };
  }

  public ScriptedBackend backend() {
    return backend;
  }

  public KappaServer server() {
    return server;
  }

  public int port() {
    return server.port();
  }

  /** Answers every request with letters until its limit. */
  public TestServer answerWithLetters() {
    backend.script(submission -> {
      if (submission.request().sampling().promptLogprobs() >= 0) {
        submission.promptLogprobs();
      }
      for (int i = 0; i < submission.request().sampling().maxTokens(); i++) {
        submission.text(String.valueOf((char) ('a' + i % 26)));
      }
      submission.finish(Finish.Reason.LENGTH);
    });
    return this;
  }

  public HttpRequest.Builder request(String path) {
    return HttpRequest.newBuilder(URI.create(server.url() + path)).timeout(Patience.LIMIT);
  }

  public HttpResponse<String> send(HttpRequest request) throws IOException, InterruptedException {
    return client.send(request, BodyHandlers.ofString());
  }

  public CompletableFuture<HttpResponse<String>> sendAsync(HttpRequest request) {
    return client.sendAsync(request, BodyHandlers.ofString());
  }

  public HttpResponse<String> get(String path) throws IOException, InterruptedException {
    return send(request(path).build());
  }

  public HttpResponse<String> post(String path, String json)
      throws IOException, InterruptedException {
    return send(post(path, json.getBytes(StandardCharsets.UTF_8)));
  }

  public CompletableFuture<HttpResponse<String>> postAsync(String path, String json) {
    return sendAsync(post(path, json.getBytes(StandardCharsets.UTF_8)));
  }

  public HttpRequest post(String path, byte[] body) {
    return request(path)
        .header("Content-Type", "application/json")
        .POST(BodyPublishers.ofByteArray(body))
        .build();
  }

  public static JsonNode json(HttpResponse<String> response) {
    return JSON.readTree(response.body());
  }

  /** The data of each event of a stream, checking the framing. */
  public static List<String> events(String body) {
    List<String> events = new ArrayList<>();
    for (String event : body.split("\n\n", -1)) {
      if (event.isEmpty()) {
        continue;
      }
      if (!event.startsWith("data: ") || event.indexOf('\n') >= 0) {
        throw new AssertionError("not an event of one data line: " + event);
      }
      events.add(event.substring("data: ".length()));
    }
    if (!body.endsWith("\n\n")) {
      throw new AssertionError("the last event is not ended");
    }
    return events;
  }

  @Override
  public void close() {
    server.close();
    backend.close();
    client.close();
  }
}
