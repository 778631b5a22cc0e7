package dev.kappa.server;

import static dev.kappa.server.testing.TestServer.JSON;
import static org.assertj.core.api.Assertions.assertThat;

import dev.kappa.server.testing.Dashboard;
import dev.kappa.server.testing.Patience;
import dev.kappa.server.testing.Programs;
import dev.kappa.server.testing.TestServer;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** What Prometheus' own programs say of the metrics; skipped where they are not installed. */
@Timeout(600)
class PrometheusTest {

  private static final Pattern LISTENING =
      Pattern.compile("msg=\"Listening on\".* address=127\\.0\\.0\\.1:(\\d+)\\s");

  private final TestServer server = new TestServer();
  private final HttpClient client = HttpClient.newHttpClient();

  @AfterEach
  void close() {
    client.close();
    server.close();
  }

  @Test
  void promtoolFindsNothingToSay() throws Exception {
    Path promtool = Programs.require("promtool");
    server.answerWithLetters();
    server.post("/v1/completions", "{\"prompt\":\"x\",\"max_tokens\":3}");
    Process check =
        new ProcessBuilder(promtool.toString(), "check", "metrics")
            .redirectErrorStream(true)
            .start();
    try (var out = check.getOutputStream()) {
      out.write(server.get("/metrics").body().getBytes(StandardCharsets.UTF_8));
    }
    String said = new String(check.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(check.waitFor()).as(said).isZero();
    assertThat(said).isEmpty();
  }

  @Test
  void prometheusScrapesThemAndAnswersTheDashboard(@TempDir Path directory) throws Exception {
    Path prometheus = Programs.require("prometheus");
    server.answerWithLetters();
    Path config = directory.resolve("prometheus.yml");
    Files.writeString(
        config,
        """
        global:
          scrape_interval: 2s
          scrape_timeout: 2s
        scrape_configs:
          - job_name: kappa
            static_configs:
              - targets: ['127.0.0.1:%d']
          - job_name: kappa-vllm
            metrics_path: /metrics/vllm
            static_configs:
              - targets: ['127.0.0.1:%d']
        """
            .formatted(server.port(), server.port()));
    Path log = directory.resolve("log");
    Process process =
        new ProcessBuilder(
                prometheus.toString(),
                "--config.file=" + config,
                "--storage.tsdb.path=" + directory.resolve("data"),
                "--web.listen-address=127.0.0.1:0")
            .redirectErrorStream(true)
            .redirectOutput(log.toFile())
            .start();
    try {
      int port = awaitPort(process, log);
      await(port, "sum(up) == 2");
      server.post("/v1/completions", "{\"prompt\":\"x\",\"max_tokens\":3}");
      await(port, "kappa_request_success_total{finished_reason=\"length\"} == 1");
      await(port, "kappa_generation_tokens_total{model_name=\"tiny\",engine=\"0\"}");
      await(port, "{__name__=\"vllm:kv_offload_load_bytes_total\"}");
      for (String expression : Dashboard.expressions()) {
        JsonNode answer = query(port, expression);
        assertThat(answer.path("status").asString("")).as(expression).isEqualTo("success");
      }
    } finally {
      // It holds the folder, which is deleted next.
      process.destroyForcibly().waitFor();
    }
  }

  /** The port that Prometheus has chosen and says it listens on. */
  private static int awaitPort(Process process, Path log) throws Exception {
    while (true) {
      boolean alive = process.isAlive();
      String said = Files.readString(log);
      Matcher listening = LISTENING.matcher(said);
      if (listening.find()) {
        return Integer.parseInt(listening.group(1));
      }
      assertThat(alive).as(said).isTrue();
      Thread.sleep(100);
    }
  }

  private void await(int port, String expression) throws Exception {
    JsonNode answer = query(port, expression);
    while (answer.path("data").path("result").isEmpty()) {
      Thread.sleep(100);
      answer = query(port, expression);
    }
  }

  /** Prometheus' answer; empty while it is not ready to answer. */
  private JsonNode query(int port, String expression) throws Exception {
    URI uri =
        URI.create(
            "http://127.0.0.1:%d/api/v1/query?query=%s"
                .formatted(port, URLEncoder.encode(expression, StandardCharsets.UTF_8)));
    HttpRequest request = HttpRequest.newBuilder(uri).timeout(Patience.LIMIT).build();
    HttpResponse<String> response = client.send(request, BodyHandlers.ofString());
    return response.statusCode() == 503 ? JSON.createObjectNode() : JSON.readTree(response.body());
  }
}
