package dev.kappa.server;

import static dev.kappa.server.testing.TestServer.events;
import static dev.kappa.server.testing.TestServer.json;
import static org.assertj.core.api.Assertions.assertThat;

import dev.kappa.engine.EngineException;
import dev.kappa.engine.EngineException.Kind;
import dev.kappa.engine.EngineStats;
import dev.kappa.engine.Finish;
import dev.kappa.roofline.MeasuredRates;
import dev.kappa.server.testing.KvBooks;
import dev.kappa.server.testing.ScriptedBackend;
import dev.kappa.server.testing.Submission;
import dev.kappa.server.testing.TestServer;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

class ErrorsTest {

  private static final String COMPLETIONS = "/v1/completions";
  private static final String CHAT = "/v1/chat/completions";

  private final TestServer server = new TestServer();

  @AfterEach
  void close() {
    server.close();
  }

  private static JsonNode error(HttpResponse<String> response, int status) {
    assertThat(response.statusCode()).as(response.body()).isEqualTo(status);
    JsonNode error = json(response).get("error");
    assertThat(error.propertyNames()).containsExactly("message", "type", "param", "code");
    assertThat(error.get("message").asString()).isNotBlank();
    return error;
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          {}                                              | prompt
          {"prompt":null}                                 | prompt
          {"prompt":7}                                    | prompt
          {"prompt":{}}                                   | prompt
          {"prompt":[]}                                   | prompt
          {"prompt":[[]]}                                 | prompt[0]
          {"prompt":["a",true]}                           | prompt[1]
          {"prompt":[1,2,258]}                            | prompt[2]
          {"prompt":[1,-1]}                               | prompt[1]
          {"prompt":[1,"a"]}                              | prompt[1]
          {"prompt":[[1],[2,1.5]]}                        | prompt[1][1]
          {"prompt":"x","model":3}                        | model
          {"prompt":"x","max_tokens":0}                   | max_tokens
          {"prompt":"x","max_tokens":-1}                  | max_tokens
          {"prompt":"x","max_tokens":1.5}                 | max_tokens
          {"prompt":"x","max_tokens":"1"}                 | max_tokens
          {"prompt":"x","max_tokens":99999999999999999999}| max_tokens
          {"prompt":"x","temperature":2.1}                | temperature
          {"prompt":"x","temperature":-0.1}               | temperature
          {"prompt":"x","temperature":1e999}              | temperature
          {"prompt":"x","temperature":true}               | temperature
          {"prompt":"x","top_p":0}                        | top_p
          {"prompt":"x","top_p":1.01}                     | top_p
          {"prompt":"x","min_p":-1}                       | min_p
          {"prompt":"x","top_k":-2}                       | top_k
          {"prompt":"x","seed":1e3}                       | seed
          {"prompt":"x","seed":9223372036854775808}       | seed
          {"prompt":"x","stop":[1]}                       | stop[0]
          {"prompt":"x","stop":["a",""]}                  | stop[1]
          {"prompt":"x","stop":{}}                        | stop
          {"prompt":"x","stop_token_ids":[999]}           | stop_token_ids[0]
          {"prompt":"x","stop_token_ids":3}               | stop_token_ids
          {"prompt":"x","logprobs":6}                     | logprobs
          {"prompt":"x","logprobs":true}                  | logprobs
          {"prompt":"x","echo":1}                         | echo
          {"prompt":"x","stream":"yes"}                   | stream
          {"prompt":"x","stream_options":{}}              | stream_options
          {"prompt":"x","stream":true,"stream_options":3} | stream_options
          {"prompt":"x","stream":true,"stream_options":{"a":1}}            | stream_options.a
          {"prompt":"x","stream":true,"stream_options":{"include_usage":1}}| stream_options.include_usage
          {"prompt":"x","n":0}                            | n
          {"prompt":"x","n":129}                          | n
          {"prompt":"x","n":2,"best_of":1}                | best_of
          {"prompt":"x","best_of":21}                     | best_of
          {"prompt":"x","best_of":2,"stream":true}        | best_of
          {"prompt":"x","prompt_logprobs":21}             | prompt_logprobs
          {"prompt":"x","prompt_logprobs":1,"stream":true}| prompt_logprobs
          {"prompt":"x","truncate_prompt_tokens":0}       | truncate_prompt_tokens
          {"prompt":"x","suffix":"end"}                   | suffix
          {"prompt":"x","presence_penalty":2.1}           | presence_penalty
          {"prompt":"x","frequency_penalty":-2.1}         | frequency_penalty
          {"prompt":"x","repetition_penalty":0}           | repetition_penalty
          {"prompt":"x","logit_bias":{"5":101}}           | logit_bias.5
          {"prompt":"x","logit_bias":{"a":1}}             | logit_bias
          {"prompt":"x","logit_bias":{"999":1}}           | logit_bias
          {"prompt":"x","logit_bias":[1]}                 | logit_bias
          {"prompt":"x","min_tokens":-1}                  | min_tokens
          {"prompt":"x","allowed_token_ids":[]}           | allowed_token_ids
          {"prompt":"x","allowed_token_ids":[1,-1]}       | allowed_token_ids[1]
          {"prompt":"x","skip_special_tokens":0}          | skip_special_tokens
          {"prompt":"x","bad_words":"a"}                  | bad_words
          {"prompt":"x","bad_words":["a"," "]}            | bad_words[1]
          {"prompt":"x","bad_words":["a"],"response_format":{"type":"json_object"}} | bad_words
          {"prompt":"x","cache_salt":""}                  | cache_salt
          {"prompt":"x","cache_salt":7}                   | cache_salt
          {"prompt":"x","cache_salt":["s"]}               | cache_salt
          {"prompt":["a","(unreadable)"]}                 | prompt[1]
          {"prompt":"x","temprature":1}                   | temprature
          """)
  void namesTheFieldAtFaultInACompletion(String body, String param) throws Exception {
    JsonNode error = error(server.post(COMPLETIONS, body), 400);
    assertThat(error.get("param").asString()).isEqualTo(param);
    assertThat(error.get("type").asString()).isEqualTo("invalid_request_error");
    assertThat(server.backend().all()).isEmpty();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          {}                                                            | messages
          {"messages":"hi"}                                             | messages
          {"messages":[]}                                               | messages
          {"messages":[3]}                                              | messages[0]
          {"messages":[{"content":"a"}]}                                | messages[0].role
          {"messages":[{"role":"robot","content":"a"}]}                 | messages[0].role
          {"messages":[{"role":"user"}]}                                | messages[0].content
          {"messages":[{"role":"user","content":"a"},{"role":"user","content":5}]} | messages[1].content
          {"messages":[{"role":"user","content":[{"type":"image_url"}]}]}| messages[0].content[0].type
          {"messages":[{"role":"user","content":[{"type":"text"}]}]}    | messages[0].content[0].text
          {"messages":[{"role":"user","content":["a"]}]}                | messages[0].content[0]
          {"messages":[{"role":"user","content":"a","mood":"x"}]}       | messages[0].mood
          {"messages":[{"role":"user","content":"a","tool_calls":[{"function":{"name":"f"}}]}]}    | messages[0].tool_calls
          {"messages":[{"role":"assistant","tool_calls":[{}]}]}         | messages[0].tool_calls[0].function
          {"messages":[{"role":"assistant","tool_calls":[{"function":{"name":"f","arguments":"["}}]}]} | messages[0].tool_calls[0].function.arguments
          {"messages":[{"role":"user","content":"a"}],"max_tokens":0}   | max_tokens
          {"messages":[{"role":"user","content":"a"}],"logprobs":2}     | logprobs
          {"messages":[{"role":"user","content":"a"}],"top_logprobs":2} | top_logprobs
          {"messages":[{"role":"user","content":"a"}],"logprobs":true,"top_logprobs":21} | top_logprobs
          {"messages":[{"role":"user","content":"a"}],"tools":[{"type":"function"}]}     | tools[0].function
          {"messages":[{"role":"user","content":"a"}],"tools":[{"type":"function","function":{"name":"f"}}]}     | tools
          {"messages":[{"role":"user","content":"a"}],"tools":[{"type":"function","function":{"name":"a b"}}]}     | tools[0].function.name
          {"messages":[{"role":"user","content":"a"}],"tool_choice":"required"}          | tool_choice
          {"messages":[{"role":"user","content":"a"}],"response_format":{}} | response_format.type
          {"messages":[{"role":"user","content":"a"}],"response_format":{"type":"xml"}} | response_format.type
          {"messages":[{"role":"user","content":"a"}],"response_format":{"type":"json_schema"}} | response_format.json_schema
          {"messages":[{"role":"user","content":"a"}],"response_format":{"type":"json_schema","json_schema":{"name":"n"}}} | response_format.json_schema.schema
          {"messages":[{"role":"user","content":"a"}],"response_format":{"type":"json_schema","json_schema":{"schema":{}}}} | response_format.json_schema.name
          {"messages":[{"role":"user","content":"a"}],"response_format":{"type":"json_schema","json_schema":{"name":"n","schema":{"properties":{"a":{"not":{}}}}}}} | response_format.json_schema.schema.properties.a.not
          {"messages":[{"role":"user","content":"a"}],"response_format":{"type":"json_object"},"allowed_token_ids":[1]} | allowed_token_ids
          {"messages":[{"role":"user","content":"(unreadable)"}]}       | messages
          {"messages":[{"role":"user","content":"a"}],"cache_salt":""}  | cache_salt
          {"messages":[{"role":"user","content":"a"}],"prompt":"x"}     | prompt
          {"messages":[{"role":"user","content":"a"}],"chat_template_kwargs":1} | chat_template_kwargs
          """)
  void namesTheFieldAtFaultInAChat(String body, String param) throws Exception {
    JsonNode error = error(server.post(CHAT, body), 400);
    assertThat(error.get("param").asString()).isEqualTo(param);
    assertThat(server.backend().all()).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "{",
        "[]",
        "3",
        "null",
        "{\"prompt\":\"x\"} {}",
        "{\"prompt\":\"x\",\"prompt\":\"y\"}",
        "{'prompt':'x'}",
        "{\"prompt\":\"x\",}",
        "{\"prompt\":NaN}"
      })
  void refusesBodiesThatAreNoJsonObject(String body) throws Exception {
    JsonNode error = error(server.post(COMPLETIONS, body), 400);
    assertThat(error.get("param").isNull()).isTrue();
  }

  @Test
  void boundsWhatTheEngineMustLookForAfterEveryToken() throws Exception {
    String ids = String.join(",", Collections.nCopies(257, "3"));
    JsonNode error =
        error(server.post(COMPLETIONS, "{\"prompt\":\"x\",\"stop_token_ids\":[" + ids + "]}"), 400);
    assertThat(error.get("param").asString()).isEqualTo("stop_token_ids");
    String stop = "x".repeat(257);
    error =
        error(
            server.post(COMPLETIONS, "{\"prompt\":\"x\",\"stop\":[\"a\",\"" + stop + "\"]}"), 400);
    assertThat(error.get("param").asString()).isEqualTo("stop[1]");
    assertThat(server.backend().all()).isEmpty();
  }

  @Test
  void boundsTheCacheSalt() throws Exception {
    server.answerWithLetters();
    String body = "{\"prompt\":\"x\",\"cache_salt\":\"%s\"}";
    assertThat(server.post(COMPLETIONS, body.formatted("s".repeat(1024))).statusCode())
        .isEqualTo(200);
    JsonNode error = error(server.post(COMPLETIONS, body.formatted("s".repeat(1025))), 400);
    assertThat(error.get("param").asString()).isEqualTo("cache_salt");
    assertThat(error.get("message").asString()).contains("1024");
    assertThat(server.backend().all()).hasSize(1);
  }

  @Test
  void saysWhereTheJsonBreaks() throws Exception {
    JsonNode error = error(server.post(COMPLETIONS, "{\"prompt\":\n \"x\" oops}"), 400);
    assertThat(error.get("code").asString()).isEqualTo("invalid_json");
    assertThat(error.get("message").asString()).contains("line 2, column");
  }

  @Test
  void tellsNothingOfTheParserWhereTheJsonBreaks() throws Exception {
    for (String body : List.of("{\"a\":", "{", "{\"a\":NaN}")) {
      String message = json(server.post(COMPLETIONS, body)).at("/error/message").stringValue();
      assertThat(message).startsWith("the body is not JSON").doesNotContain("`", "REDACTED");
    }
  }

  @Test
  void saysWhichBoundABodyExceeds() throws Exception {
    for (String body : List.of("[".repeat(100), "1".repeat(2000))) {
      String message = json(server.post(COMPLETIONS, body)).at("/error/message").stringValue();
      assertThat(message).startsWith("the body is more than is read").doesNotContain("`");
    }
  }

  @Test
  void readsManyLongListsOfTokensButNoBodyOfTinyValuesWithoutEnd() throws Exception {
    String ids = "7,".repeat((128 << 10) - 1) + "7";
    String prompts = ("[" + ids + "],").repeat(63);
    String body = "{\"prompt\":[" + prompts + "[" + ids;
    JsonNode error = error(server.post(COMPLETIONS, body + "]]}"), 400);
    assertThat(error.get("message").asString()).contains("the prompt has 131072 tokens");
    error = error(server.post(COMPLETIONS, body + ",{}".repeat(128) + "]]}"), 400);
    assertThat(error.get("code").asString()).isEqualTo("invalid_json");
    assertThat(error.get("message").asString())
        .startsWith("the body is more than is read: JSON token count")
        .endsWith("exceeds the maximum allowed (8388864)");
  }

  @Test
  void refusesDeepNesting() throws Exception {
    error(server.post(COMPLETIONS, "{\"prompt\":" + "[".repeat(100_000)), 400);
  }

  @Test
  void refusesBytesThatAreNoUtf8() throws Exception {
    byte[] body = {'{', '"', 'p', (byte) 0xff, (byte) 0xfe, '"', ':', '1', '}'};
    error(server.send(server.post(COMPLETIONS, body)), 400);
  }

  @Test
  void survivesHalfASurrogatePair() throws Exception {
    server.answerWithLetters();
    var response =
        server.post(COMPLETIONS, "{\"prompt\":\"a\\ud83d\",\"echo\":true,\"max_tokens\":1}");
    assertThat(response.statusCode()).isEqualTo(200);
    assertThat(json(response).get("choices").get(0).get("text").asString()).isEqualTo("a\uFFFDa");
    error(server.post(COMPLETIONS, "{\"prompt\":\"a\",\"\\ud83d\":1}"), 400);
  }

  @Test
  void knowsItsModelsOnly() throws Exception {
    JsonNode error = error(server.post(COMPLETIONS, "{\"prompt\":\"x\",\"model\":\"gpt\"}"), 404);
    assertThat(error.get("code").asString()).isEqualTo("model_not_found");
    assertThat(error.get("param").asString()).isEqualTo("model");
    error(server.get("/v1/models/gpt"), 404);
  }

  @Test
  void refusesPromptsLongerThanTheContext() throws Exception {
    String prompt = "x".repeat(ScriptedBackend.CONTEXT - 1);
    JsonNode error = error(server.post(COMPLETIONS, "{\"prompt\":\"" + prompt + "\"}"), 400);
    assertThat(error.get("code").asString()).isEqualTo("context_length_exceeded");
    assertThat(error.get("message").asString())
        .isEqualTo("the prompt has 512 tokens, the model's context holds 512, output included");
    error =
        error(
            server.post(
                CHAT, "{\"messages\":[{\"role\":\"user\",\"content\":\"" + prompt + "\"}]}"),
            400);
    assertThat(error.get("code").asString()).isEqualTo("context_length_exceeded");
    assertThat(error.get("param").asString()).isEqualTo("messages");
  }

  @Test
  void refusesUnknownPathsAndMethods() throws Exception {
    error(server.get("/v2/models"), 404);
    error(server.get("/"), 404);
    var response = server.get(COMPLETIONS);
    error(response, 405);
    assertThat(response.headers().firstValue("allow")).contains("POST");
    response = server.send(server.request("/v1/models").DELETE().build());
    error(response, 405);
    assertThat(response.headers().firstValue("allow")).contains("GET, HEAD");
    response = server.post("/v1/cache", "{}");
    error(response, 405);
    assertThat(response.headers().firstValue("allow")).contains("GET, HEAD, DELETE");
    response = server.post("/v1/models", "{}");
    error(response, 405);
    assertThat(response.headers().firstValue("allow")).contains("GET, HEAD");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"text/plain", "application/x-www-form-urlencoded", "multipart/form-data; a=b"})
  void refusesWhatAWebPageCouldSendUnasked(String type) throws Exception {
    HttpRequest request =
        server
            .request(COMPLETIONS)
            .header("Content-Type", type)
            .POST(BodyPublishers.ofString("{\"prompt\":\"x\"}"))
            .build();
    error(server.send(request), 415);
  }

  @Test
  void passesTheEnginesRefusalsOn() throws Exception {
    server.backend().refuse(new EngineException(Kind.UNAVAILABLE, null, "closed"));
    error(server.post(COMPLETIONS, "{\"prompt\":\"x\"}"), 503);
    server.backend().refuse(new EngineException(Kind.INVALID_REQUEST, "prompt", "no"));
    assertThat(error(server.post(COMPLETIONS, "{\"prompt\":\"x\"}"), 400).get("param").asString())
        .isEqualTo("prompt");
    server.backend().refuse(new EngineException(Kind.INTERNAL, null, "broken"));
    error(server.post(COMPLETIONS, "{\"prompt\":\"x\",\"stream\":true}"), 500);
  }

  @Test
  void answersWithAStatusWhereTheFailureComesBeforeTheFirstEvent() throws Exception {
    var response = server.postAsync(COMPLETIONS, "{\"prompt\":\"x\",\"stream\":true}");
    server.backend().next().fail(new EngineException(Kind.INTERNAL, null, "broken"));
    error(response.get(), 500);
  }

  @Test
  void sendsLaterFailuresAsEvents() throws Exception {
    var response =
        server.postAsync(
            CHAT, "{\"messages\":[{\"role\":\"user\",\"content\":\"a\"}],\"stream\":true}");
    server.backend().next().text("a").fail(new EngineException(Kind.INTERNAL, null, "broken"));
    List<String> events = events(response.get().body());
    assertThat(events).hasSize(3);
    JsonNode error = TestServer.JSON.readTree(events.get(2)).get("error");
    assertThat(error.get("message").asString()).isEqualTo("broken");
  }

  @Test
  void cancelsTheOtherPromptsWhenOneFails() throws Exception {
    var response = server.postAsync(COMPLETIONS, "{\"prompt\":[\"a\",\"b\"]}");
    Submission first = server.backend().next();
    Submission second = server.backend().next();
    second.fail(new EngineException(Kind.INTERNAL, null, "broken"));
    error(response.get(), 500);
    assertThat(first.awaitCancelled()).isTrue();
  }

  @Test
  void saysUnavailableWhenTheEngineAbortsByItself() throws Exception {
    var response = server.postAsync(COMPLETIONS, "{\"prompt\":\"a\"}");
    server.backend().next().finish(Finish.Reason.ABORT);
    error(response.get(), 503);
  }

  @Test
  void healthFollowsTheEngine() throws Exception {
    assertThat(server.get("/health").body()).isEqualTo("{\"status\":\"ok\"}");
    server.backend().stalled(true);
    error(server.get("/health"), 503);
    server.backend().stalled(false);
    assertThat(server.get("/health").statusCode()).isEqualTo(200);
    server
        .backend()
        .stats(
            new EngineStats(
                0, 0, 0, KvBooks.of(0, 0, 64), 0, 0, 0, 0, 0, 0, MeasuredRates.NONE, true));
    error(server.get("/health"), 503);
    error(server.get("/ping"), 503);
  }

  @Test
  void asksForTheKeyWhereOneIsSet() throws Exception {
    try (TestServer guarded =
        new TestServer(
            ServerOptions.local().withApiKey("secret"),
            dev.kappa.server.backend.SamplingDefaults.NEUTRAL)) {
      var response = guarded.get("/v1/models");
      assertThat(error(response, 401).get("code").asString()).isEqualTo("invalid_api_key");
      assertThat(response.headers().firstValue("www-authenticate")).contains("Bearer");
      HttpRequest.Builder request = guarded.request("/v1/models");
      error(guarded.send(request.copy().header("Authorization", "Bearer secre").build()), 401);
      error(guarded.send(request.copy().header("Authorization", "Basic secret").build()), 401);
      assertThat(
              guarded
                  .send(request.copy().header("Authorization", "bearer secret").build())
                  .statusCode())
          .isEqualTo(200);
      assertThat(guarded.get("/health").statusCode()).isEqualTo(200);
    }
  }
}
