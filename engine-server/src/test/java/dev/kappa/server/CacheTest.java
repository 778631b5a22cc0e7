package dev.kappa.server;

import static dev.kappa.server.testing.TestServer.JSON;
import static dev.kappa.server.testing.TestServer.json;
import static org.assertj.core.api.Assertions.assertThat;

import dev.kappa.engine.Engine;
import dev.kappa.engine.EngineException;
import dev.kappa.engine.EngineStats;
import dev.kappa.roofline.MeasuredRates;
import dev.kappa.server.backend.SamplingDefaults;
import dev.kappa.server.testing.KvBooks;
import dev.kappa.server.testing.Patience;
import dev.kappa.server.testing.RawClient;
import dev.kappa.server.testing.ScriptedBackend.ClearCall;
import dev.kappa.server.testing.TestServer;
import java.net.http.HttpRequest;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;

class CacheTest {

  private static final String PATH = "/v1/cache";

  private final TestServer server = new TestServer();

  @AfterEach
  void close() {
    server.close();
  }

  private HttpRequest delete(String query) {
    return server.request(PATH + query).DELETE().build();
  }

  private ClearCall nextClear() throws InterruptedException {
    ClearCall call =
        server.backend().clearCalls().poll(Patience.LIMIT.toMillis(), TimeUnit.MILLISECONDS);
    if (call == null) {
      throw new AssertionError("nobody asked the engine to clear its cache");
    }
    return call;
  }

  @Test
  void tellsWhatItHoldsAndWhatMoved() throws Exception {
    server
        .backend()
        .stats(
            new EngineStats(
                0, 0, 0, KvBooks.offloading(), 0, 0, 0, 0, 0, 0, MeasuredRates.NONE, false));
    assertThat(json(server.get(PATH)))
        .isEqualTo(
            JSON.readTree(
                """
                {"object":"cache","block_tokens":16,"block_bytes":1000000,
                 "store_policy":"write-back","restore":"load-whole",
                 "tiers":{
                  "device":{"blocks":64,"limit":64,"used":16,"cached":8,"bytes":64000000},
                  "host":{"blocks":128,"limit":256,"used":3,"cached":100,"bytes":128000000,"pinned":false}},
                 "transfers":{
                  "load":{"blocks":40,"bytes":4000000000,"seconds":0.5,
                   "gigabytes_per_second":8.0,"ceiling_gigabytes_per_second":10.0,
                   "fraction_of_ceiling":0.8,"failed":2},
                  "store":{"blocks":30,"bytes":3000000000,"seconds":1.5,
                   "gigabytes_per_second":2.0,"ceiling_gigabytes_per_second":null,
                   "fraction_of_ceiling":null,"failed":0}},
                 "stores":{"skipped":11,"skipped_by_reason":{"no_space":1,"backlog":2,"admission":3,
                 "stand_down":4,"parent":1},"discarded":12,"wasted":13,"stand_down":true,
                 "by_frequency":false}}
                """));
  }

  @ParameterizedTest
  @CsvSource({
    "'', true, true",
    "?, true, true",
    "?tier=all, true, true",
    "?tier=device, true, false",
    "?tier=host, false, true",
    "?tier=%68ost, false, true"
  })
  void isClearedTierByTier(String query, boolean device, boolean host) throws Exception {
    var response = server.sendAsync(delete(query));
    ClearCall call = nextClear();
    assertThat(call.device()).isEqualTo(device);
    assertThat(call.host()).isEqualTo(host);
    call.result().complete(new Engine.Cleared(3, 5));
    assertThat(response.get().statusCode()).isEqualTo(200);
    assertThat(response.get().body())
        .isEqualTo("{\"object\":\"cache.cleared\",\"device_blocks\":3,\"host_blocks\":5}");
  }

  @Test
  void isClearedWithoutHoldingUpTheEventLoop() throws Exception {
    try (RawClient waiting = new RawClient(server.port())) {
      waiting.send("DELETE /v1/cache HTTP/1.1\r\nHost: a\r\n\r\n");
      ClearCall call = nextClear();
      // More connections than event loops, so that one of them shares the waiting one's.
      for (int i = 0; i < 4 * Runtime.getRuntime().availableProcessors(); i++) {
        try (RawClient other = new RawClient(server.port())) {
          other.send("GET /health HTTP/1.1\r\nHost: a\r\n\r\n");
          assertThat(other.receive().status()).isEqualTo(200);
        }
      }
      call.result().complete(new Engine.Cleared(0, 0));
      assertThat(waiting.receive().status()).isEqualTo(200);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "?tier=disk, tier",
    "?tier=, tier",
    "?tier, tier",
    "?tier=Host, tier",
    "?tier=host&tier=device, tier",
    "?teir=host, teir",
    "?tier=host&force=1, force"
  })
  void isNotClearedForWhatItDoesNotUnderstand(String query, String param) throws Exception {
    var response = server.send(delete(query));
    assertThat(response.statusCode()).isEqualTo(400);
    JsonNode error = json(response).get("error");
    assertThat(error.get("param").asString()).isEqualTo(param);
    assertThat(error.get("type").asString()).isEqualTo("invalid_request_error");
    assertThat(server.backend().clearCalls()).isEmpty();
  }

  @Test
  void isNotClearedForABrokenQuery() throws Exception {
    try (RawClient client = new RawClient(server.port())) {
      client.send("DELETE /v1/cache?tier=%zz HTTP/1.1\r\nHost: a\r\n\r\n");
      assertThat(client.receive().status()).isEqualTo(400);
      assertThat(server.backend().clearCalls()).isEmpty();
    }
  }

  @Test
  void saysWhyItCouldNotBeCleared() throws Exception {
    var response = server.sendAsync(delete(""));
    nextClear()
        .result()
        .completeExceptionally(
            new EngineException(EngineException.Kind.UNAVAILABLE, null, "the engine is closed"));
    assertThat(response.get().statusCode()).isEqualTo(503);
    assertThat(response.get().body()).contains("the engine is closed");
    response = server.sendAsync(delete(""));
    nextClear().result().completeExceptionally(new IllegalStateException("a bug"));
    assertThat(response.get().statusCode()).isEqualTo(500);
    assertThat(response.get().body()).doesNotContain("a bug");
  }

  @Test
  void isGuardedByTheKey() throws Exception {
    try (TestServer guarded =
        new TestServer(ServerOptions.local().withApiKey("secret"), SamplingDefaults.NEUTRAL)) {
      assertThat(guarded.get(PATH).statusCode()).isEqualTo(401);
      assertThat(guarded.send(guarded.request(PATH).DELETE().build()).statusCode()).isEqualTo(401);
      assertThat(guarded.backend().clearCalls()).isEmpty();
    }
  }
}
