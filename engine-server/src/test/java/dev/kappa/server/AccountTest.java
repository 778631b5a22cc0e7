package dev.kappa.server;

import static dev.kappa.server.testing.TestServer.JSON;
import static dev.kappa.server.testing.TestServer.json;
import static org.assertj.core.api.Assertions.assertThat;

import dev.kappa.engine.Finish;
import dev.kappa.server.testing.TestServer;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;

/** The extension field {@code kappa}: what the way to the first token took. */
class AccountTest {

  private static final String CHAT = "/v1/chat/completions";
  private static final String COMPLETIONS = "/v1/completions";
  private static final String ASK = ",\"kappa\":{\"account\":true}";

  private static final String EXPECTED =
      """
      {"account":[{"index":0,
       "prompt_tokens_by_source":{"computed":%d,"device":4,"host":8},
       "kappa":%s,"kappa_critical":5.5,"first_token_ms":0.002,"queue_ms":1.0,
       "load":{"predicted_ms":6.0,"actual_ms":7.0,"copy_ms":6.5,"bytes":3145728,
        "predicted_stall_ms":0.4,"stall_ms":0.5},
       "compute":{"predicted_ms":3.0,"actual_ms":4.0},
       "overlap_ms":2.5,"bound":"link"}]}
      """;

  private final TestServer server = new TestServer();

  @AfterEach
  void close() {
    server.close();
  }

  @BeforeEach
  void script() {
    server
        .backend()
        .script(s ->
            s.cached(12, 8)
                .restored(new Finish.Restored(3, 3 << 20, 6_500_000, 20_000, 400_000, 500_000))
                .account(
                    new Finish.Account(
                        5.5,
                        1_000_000,
                        6_000_000,
                        7_000_000,
                        3_000_000,
                        4_000_000,
                        2_500_000,
                        Finish.Bound.LINK))
                .text("x")
                .finish(Finish.Reason.STOP));
  }

  /** Sixteen tokens with the first. */
  private static String completion(String more) {
    return "{\"prompt\":\"fifteen letters\"" + more + "}";
  }

  private static String chat(String more) {
    return "{\"messages\":[{\"role\":\"user\",\"content\":\"abc\"}]" + more + "}";
  }

  /** {@code <user>abc<assistant>} has twenty letters. */
  private static JsonNode expected(boolean chat) {
    return JSON.readTree(chat ? EXPECTED.formatted(8, "1.0") : EXPECTED.formatted(4, "2.0"));
  }

  @Test
  void comesWithACompletion() throws Exception {
    JsonNode answer = json(server.post(COMPLETIONS, completion(ASK)));
    assertThat(answer.get("kappa")).isEqualTo(expected(false));
    assertThat(answer.at("/usage/prompt_tokens").intValue()).isEqualTo(16);
  }

  @Test
  void comesWithAChat() throws Exception {
    JsonNode answer = json(server.post(CHAT, chat(ASK)));
    assertThat(answer.get("kappa")).isEqualTo(expected(true));
  }

  @Test
  void comesOncePerPrompt() throws Exception {
    JsonNode account =
        json(server.post(
                COMPLETIONS, "{\"prompt\":[\"fifteen letters\",\"sixteen letters!\"]" + ASK + "}"))
            .at("/kappa/account");
    assertThat(account.size()).isEqualTo(2);
    assertThat(account.at("/1/index").intValue()).isEqualTo(1);
    assertThat(account.at("/1/prompt_tokens_by_source/computed").intValue()).isEqualTo(5);
  }

  @Test
  void comesInTheLastChunkOfAStream() throws Exception {
    for (boolean chat : new boolean[] {false, true}) {
      String more = ",\"stream\":true,\"stream_options\":{\"include_usage\":true}" + ASK;
      List<String> events =
          TestServer.events(
              server.post(chat ? CHAT : COMPLETIONS, chat ? chat(more) : completion(more)).body());
      assertThat(events.getLast()).isEqualTo("[DONE]");
      JsonNode last = JSON.readTree(events.get(events.size() - 2));
      assertThat(last.get("choices").size()).isZero();
      assertThat(last.at("/usage/total_tokens").intValue()).isEqualTo(chat ? 21 : 17);
      assertThat(last.get("kappa")).isEqualTo(expected(chat));
      events
          .subList(0, events.size() - 2)
          .forEach(event -> assertThat(event).doesNotContain("kappa"));
    }
  }

  @Test
  void comesInAStreamWithoutUsage() throws Exception {
    for (boolean chat : new boolean[] {false, true}) {
      String more = ",\"stream\":true" + ASK;
      List<String> events =
          TestServer.events(
              server.post(chat ? CHAT : COMPLETIONS, chat ? chat(more) : completion(more)).body());
      JsonNode last = JSON.readTree(events.get(events.size() - 2));
      assertThat(last.has("usage")).isFalse();
      assertThat(last.get("choices").size()).isZero();
      assertThat(last.get("kappa")).isEqualTo(expected(chat));
    }
  }

  @Test
  void comesOnRequestOnly() throws Exception {
    for (String more : List.of("", ",\"kappa\":null", ",\"kappa\":{\"account\":false}")) {
      assertThat(server.post(COMPLETIONS, completion(more)).body()).doesNotContain("kappa");
      assertThat(server.post(CHAT, chat(more + ",\"stream\":true")).body()).doesNotContain("kappa");
    }
  }

  @Test
  void leavesOutTheCriticalKappaThatIsNotKnown() throws Exception {
    server.backend().script(s -> s.text("x").finish(Finish.Reason.STOP));
    JsonNode account = json(server.post(COMPLETIONS, completion(ASK))).at("/kappa/account/0");
    assertThat(account.get("kappa_critical").isNull()).isTrue();
    assertThat(account.get("bound").stringValue()).isEqualTo("compute");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "true; kappa",
        "{\"account\":1}; kappa.account",
        "{\"account\":true,\"trace\":true}; kappa.trace"
      })
  void isReadStrictly(String value, String parameter) throws Exception {
    for (String path : List.of(CHAT, COMPLETIONS)) {
      String more = ",\"kappa\":" + value;
      var response = server.post(path, path.equals(CHAT) ? chat(more) : completion(more));
      assertThat(response.statusCode()).isEqualTo(400);
      assertThat(json(response).at("/error/param").stringValue()).isEqualTo(parameter);
    }
  }
}
