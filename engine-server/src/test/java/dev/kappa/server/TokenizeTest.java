package dev.kappa.server;

import static dev.kappa.server.testing.TestServer.json;
import static org.assertj.core.api.Assertions.assertThat;

import dev.kappa.engine.EngineStats;
import dev.kappa.roofline.MeasuredRates;
import dev.kappa.server.testing.KvBooks;
import dev.kappa.server.testing.TestServer;
import java.net.http.HttpResponse;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TokenizeTest {

  private final TestServer server = new TestServer();

  @AfterEach
  void close() {
    server.close();
  }

  private String tokenize(String body) throws Exception {
    return json(server.post("/tokenize", body)).toString();
  }

  @Test
  void tokenizesTexts() throws Exception {
    assertThat(tokenize("{\"model\":\"tiny\",\"prompt\":\"hi\"}"))
        .isEqualTo(
            "{\"count\":3,\"max_model_len\":512,\"tokens\":[256,104,105],\"token_strs\":null}");
    assertThat(
            tokenize("{\"prompt\":\"hi\",\"add_special_tokens\":false,\"return_token_strs\":true}"))
        .isEqualTo(
            "{\"count\":2,\"max_model_len\":512,\"tokens\":[104,105],"
                + "\"token_strs\":[\"h\",\"i\"]}");
    assertThat(tokenize("{\"prompt\":\"\",\"add_special_tokens\":false}")).contains("\"count\":0");
  }

  @Test
  void tokenizesConversations() throws Exception {
    assertThat(
            tokenize(
                "{\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],"
                    + "\"add_generation_prompt\":false}"))
        .contains("\"tokens\":[60,117,115,101,114,62,120]");
  }

  @Test
  void detokenizes() throws Exception {
    HttpResponse<String> answer = server.post("/detokenize", "{\"tokens\":[256,104,105,257]}");
    assertThat(answer.body()).isEqualTo("{\"prompt\":\"<s>hi</s>\"}");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          /tokenize   | {}                                                     | prompt
          /tokenize   | {"prompt":1}                                           | prompt
          /tokenize   | {"prompt":"x","messages":[]}                           | messages
          /tokenize   | {"prompt":"(unreadable)"}                              | prompt
          /tokenize   | {"messages":[{"role":"tool","content":"x"}]}           | messages
          /tokenize   | {"messages":[{"role":"user","content":"x"}],"top_k":1} | top_k
          /detokenize | {}                                                     | tokens
          /detokenize | {"tokens":[1,258]}                                     | tokens[1]
          /detokenize | {"tokens":[1],"prompt":"x"}                            | prompt
          """)
  void namesTheFieldAtFault(String path, String body, String param) throws Exception {
    HttpResponse<String> answer = server.post(path, body);
    assertThat(answer.statusCode()).isEqualTo(400);
    assertThat(json(answer).get("error").get("param").asString()).isEqualTo(param);
  }

  @Test
  void knowsNoOtherModel() throws Exception {
    assertThat(server.post("/tokenize", "{\"model\":\"big\",\"prompt\":\"x\"}").statusCode())
        .isEqualTo(404);
  }

  @Test
  void tellsItsLoad() throws Exception {
    server
        .backend()
        .stats(
            new EngineStats(
                3, 4, 0, KvBooks.of(0, 0, 64), 0, 0, 0, 0, 0, 0, MeasuredRates.NONE, false));
    assertThat(server.get("/load").body()).isEqualTo("{\"server_load\":7}");
  }

  @Test
  void refusesTextsThatNoContextHoldsBeforeTokenizingThem() throws Exception {
    String text = "x".repeat((1 << 20) + 1);
    String prompt = "{\"prompt\":\"" + text + "\"}";
    String messages = "{\"messages\":[{\"role\":\"user\",\"content\":\"" + text + "\"}]}";
    assertTooLong(server.post("/tokenize", prompt), "prompt");
    assertTooLong(server.post("/tokenize", messages), "messages");
    assertTooLong(server.post("/v1/completions", prompt), "prompt");
    assertTooLong(server.post("/v1/chat/completions", messages), "messages");
  }

  private static void assertTooLong(HttpResponse<String> response, String param) {
    assertThat(response.statusCode()).isEqualTo(400);
    var error = json(response).get("error");
    assertThat(error.get("param").stringValue()).isEqualTo(param);
    assertThat(error.get("code").stringValue()).isEqualTo("context_length_exceeded");
    assertThat(error.get("message").stringValue()).contains("characters", "512 tokens");
  }

  @Test
  void boundsTheTokensTurnedIntoText() throws Exception {
    String tokens = "1,".repeat(1 << 20) + "1";
    HttpResponse<String> response = server.post("/detokenize", "{\"tokens\":[" + tokens + "]}");
    assertThat(response.statusCode()).isEqualTo(400);
    assertThat(json(response).get("error").get("param").stringValue()).isEqualTo("tokens");
  }
}
