package dev.kappa.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.kappa.engine.EngineException;
import dev.kappa.engine.EngineStats;
import dev.kappa.server.testing.KvBooks;
import dev.kappa.server.testing.PrometheusText;
import dev.kappa.server.testing.TestServer;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class MetricsTest {

  private static final String COMPLETIONS = "/v1/completions";
  private static final String MODEL = "{model_name=\"tiny\"}";

  private final TestServer server = new TestServer();

  @AfterEach
  void close() {
    server.close();
  }

  private Map<String, Double> scrape() throws Exception {
    var response = server.get("/metrics");
    assertThat(response.headers().firstValue("content-type"))
        .contains("text/plain; version=0.0.4; charset=utf-8");
    return PrometheusText.parse(response.body());
  }

  @Test
  void showTheEnginesGaugesAndCounters() throws Exception {
    server
        .backend()
        .stats(new EngineStats(3, 2, KvBooks.of(16, 8, 64), 100, 1000, 400, 0, 500, 7, false));
    assertThat(scrape())
        .containsEntry("kappa_num_requests_running" + MODEL, 3.0)
        .containsEntry("kappa_num_requests_waiting" + MODEL, 2.0)
        .containsEntry("kappa_kv_cache_usage_perc" + MODEL, 0.25)
        .containsEntry("kappa_prefix_cache_queries_total" + MODEL, 1000.0)
        .containsEntry("kappa_prefix_cache_hits_total" + MODEL, 400.0)
        .containsEntry("kappa_prompt_tokens_total" + MODEL, 1000.0)
        .containsEntry("kappa_prompt_tokens_cached_total" + MODEL, 400.0)
        .containsEntry("kappa_generation_tokens_total" + MODEL, 500.0)
        .containsEntry("kappa_num_preemptions_total" + MODEL, 7.0)
        .containsEntry("kappa_engine_steps_total" + MODEL, 100.0)
        .containsEntry(
            "kappa_cache_config_info{block_size=\"16\",cache_dtype=\"f32\",device=\"cpu\","
                + "model_name=\"tiny\",num_gpu_blocks=\"64\"}",
            1.0);
  }

  @Test
  void timeRequestsAndTheirTokens() throws Exception {
    server.answerWithLetters();
    server.post(COMPLETIONS, "{\"prompt\":[\"a\",\"b\"],\"max_tokens\":5}");
    server.post(COMPLETIONS, "{\"prompt\":\"c\",\"max_tokens\":1,\"stream\":true}");
    Map<String, Double> metrics = scrape();
    assertThat(metrics)
        .containsEntry("kappa_time_to_first_token_seconds_count" + MODEL, 3.0)
        .containsEntry("kappa_inter_token_latency_seconds_count" + MODEL, 8.0)
        .containsEntry("kappa_e2e_request_latency_seconds_count" + MODEL, 3.0)
        .containsEntry("kappa_request_queue_time_seconds_count" + MODEL, 3.0)
        .containsEntry("kappa_request_generation_tokens_sum" + MODEL, 11.0)
        .containsEntry("kappa_request_prompt_tokens_sum" + MODEL, 6.0)
        .containsEntry(
            "kappa_request_success_total{finished_reason=\"length\",model_name=\"tiny\"}", 3.0)
        .containsEntry(
            "kappa_request_success_total{finished_reason=\"abort\",model_name=\"tiny\"}", 0.0);
    assertThat(metrics.get("kappa_request_queue_time_seconds_sum" + MODEL))
        .isCloseTo(3e-6, within(1e-9));
    assertThat(metrics.get("kappa_time_to_first_token_seconds_sum" + MODEL)).isPositive();
  }

  @Test
  void useTheBucketsOfVllm() throws Exception {
    server.answerWithLetters();
    server.post(COMPLETIONS, "{\"prompt\":\"a\"}");
    assertThat(scrape())
        .containsKeys(
            bucket("time_to_first_token_seconds", "0.001"),
            bucket("time_to_first_token_seconds", "2560.0"),
            bucket("time_to_first_token_seconds", "+Inf"),
            bucket("inter_token_latency_seconds", "0.025"),
            bucket("inter_token_latency_seconds", "80.0"),
            bucket("e2e_request_latency_seconds", "0.3"),
            bucket("e2e_request_latency_seconds", "7680.0"),
            bucket("request_queue_time_seconds", "1920.0"),
            bucket("request_prompt_tokens", "500.0"))
        .doesNotContainKey(bucket("request_prompt_tokens", "1000.0"));
  }

  private static String bucket(String name, String bound) {
    return "kappa_" + name + "_bucket{model_name=\"tiny\",le=\"" + bound + "\"}";
  }

  @Test
  void countFailuresOfTheEngine() throws Exception {
    server
        .backend()
        .script(s -> s.fail(new EngineException(EngineException.Kind.INTERNAL, null, "broken")));
    assertThat(server.post(COMPLETIONS, "{\"prompt\":\"a\"}").statusCode()).isEqualTo(500);
    assertThat(scrape()).containsEntry("kappa_request_failure_total" + MODEL, 1.0);
  }

  @Test
  void comeAsOpenMetricsWhereAsked() throws Exception {
    var response =
        server.send(
            server
                .request("/metrics")
                .header("Accept", "application/openmetrics-text;version=1.0.0,text/plain;q=0.5")
                .build());
    assertThat(response.headers().firstValue("content-type").orElseThrow())
        .startsWith("application/openmetrics-text; version=1.0.0");
    assertThat(response.body()).endsWith("# EOF\n");
  }
}
