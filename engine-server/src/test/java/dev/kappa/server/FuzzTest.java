package dev.kappa.server;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kappa.server.testing.RawClient;
import dev.kappa.server.testing.TestServer;
import java.io.IOException;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Whatever clients send, they get an answer, and it never blames the server. */
@Timeout(600)
class FuzzTest {

  private static final List<String> NAMES =
      List.of(
          "model",
          "prompt",
          "messages",
          "max_tokens",
          "max_completion_tokens",
          "temperature",
          "top_p",
          "top_k",
          "min_p",
          "seed",
          "stop",
          "stop_token_ids",
          "ignore_eos",
          "logprobs",
          "top_logprobs",
          "echo",
          "stream",
          "stream_options",
          "n",
          "user",
          "tools",
          "suffix",
          "return_token_ids",
          "chat_template_kwargs",
          "logit_bias",
          "role",
          "content",
          "type",
          "text",
          "include_usage",
          "x");
  private static final List<String> SCALARS =
      List.of(
          "null",
          "true",
          "false",
          "0",
          "1",
          "-1",
          "2",
          "0.5",
          "1e400",
          "-1e-400",
          "257",
          "258",
          "99999999999",
          "123456789012345678901234567890",
          "\"\"",
          "\"user\"",
          "\"text\"",
          "\"\\ud800\"",
          "\"\\u0000\"",
          "\"tiny\"",
          "\"héé\"",
          "\"😀\"",
          "{}",
          "[]",
          "[1]",
          "[[1,2],[3]]",
          "[\"a\",\"b\"]",
          "[{\"role\":\"user\",\"content\":\"a\"}]");

  private final TestServer server = new TestServer().answerWithLetters();

  @AfterEach
  void close() {
    server.close();
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4})
  void randomFieldsGetAnAnswer(long seed) throws Exception {
    Random random = new Random(seed);
    int accepted = 0;
    for (int i = 0; i < 250; i++) {
      String path = random.nextBoolean() ? "/v1/completions" : "/v1/chat/completions";
      String body = randomRequest(random, path.contains("chat"));
      HttpResponse<String> response = server.post(path, body);
      assertThat(response.statusCode())
          .as("seed %d, request %d: %s -> %s", seed, i, body, response.body())
          .isIn(200, 400, 404);
      if (response.statusCode() == 200) {
        accepted++;
        boolean stream =
            response.headers().firstValue("content-type").orElseThrow().startsWith("text/event");
        if (stream) {
          assertThat(TestServer.events(response.body())).last().isEqualTo("[DONE]");
        } else {
          assertThat(TestServer.json(response).get("choices").isArray()).isTrue();
        }
      } else {
        assertThat(TestServer.json(response).get("error").get("message").asString()).isNotBlank();
      }
    }
    assertThat(accepted).as("seed %d: requests accepted", seed).isPositive();
  }

  private static String randomRequest(Random random, boolean chat) {
    List<String> fields = new ArrayList<>();
    if (random.nextInt(8) > 0) {
      fields.add(
          chat ? "\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]" : "\"prompt\":\"a\"");
    }
    int count = random.nextInt(4);
    for (int i = 0; i < count; i++) {
      fields.add("\"" + pick(random, NAMES) + "\":" + randomValue(random, 3));
    }
    return "{" + String.join(",", fields) + "}";
  }

  private static String randomValue(Random random, int depth) {
    int choice = depth == 0 ? 0 : random.nextInt(6);
    if (choice < 4) {
      return pick(random, SCALARS);
    }
    List<String> parts = new ArrayList<>();
    int count = random.nextInt(3);
    for (int i = 0; i < count; i++) {
      String value = randomValue(random, depth - 1);
      parts.add(
          choice == 4 ? value : "\"" + NAMES.get(random.nextInt(NAMES.size())) + "\":" + value);
    }
    String joined = String.join(",", parts);
    return choice == 4 ? "[" + joined + "]" : "{" + joined + "}";
  }

  private static String pick(Random random, List<String> values) {
    return values.get(random.nextInt(values.size()));
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2})
  void damagedBodiesGetAnAnswer(long seed) throws Exception {
    Random random = new Random(seed);
    byte[] sound =
        "{\"model\":\"tiny\",\"prompt\":[\"a\",\"é\"],\"max_tokens\":3,\"stop\":[\"x\"],\"echo\":true}"
            .getBytes(StandardCharsets.UTF_8);
    for (int i = 0; i < 250; i++) {
      byte[] body = sound.clone();
      for (int j = random.nextInt(4); j >= 0; j--) {
        body[random.nextInt(body.length)] = (byte) random.nextInt(256);
      }
      HttpResponse<String> response = server.send(server.post("/v1/completions", body));
      assertThat(response.statusCode())
          .as("seed %d, request %d: %s", seed, i, new String(body, StandardCharsets.ISO_8859_1))
          .isIn(200, 400, 404);
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2})
  void damagedHttpEndsInAnAnswerOrAClosedConnection(long seed) throws Exception {
    Random random = new Random(seed);
    String sound = RawClient.postText("/v1/completions", "{\"prompt\":\"a\",\"max_tokens\":1}");
    for (int i = 0; i < 150; i++) {
      StringBuilder request = new StringBuilder(sound);
      for (int j = random.nextInt(3); j >= 0; j--) {
        request.setCharAt(random.nextInt(request.length()), (char) random.nextInt(128));
      }
      // What follows ends whatever the damage has left open.
      String rest = "\r\n\r\n" + "x".repeat(1000) + "\r\n\r\n";
      try (RawClient client = new RawClient(server.port())) {
        int status = client.send(request + rest).receive().status();
        assertThat(status).as("seed %d: %s", seed, request).isLessThan(500);
      } catch (IOException e) {
        assertThat(e).as("seed %d: %s", seed, request).hasMessageContaining("clos");
      }
    }
    assertThat(server.get("/health").statusCode()).isEqualTo(200);
  }
}
