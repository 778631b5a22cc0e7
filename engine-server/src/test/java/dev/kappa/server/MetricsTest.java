package dev.kappa.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.kappa.engine.Distributions;
import dev.kappa.engine.EngineException;
import dev.kappa.engine.EngineStats;
import dev.kappa.engine.Finish;
import dev.kappa.roofline.MeasuredRates;
import dev.kappa.server.testing.KvBooks;
import dev.kappa.server.testing.PrometheusText;
import dev.kappa.server.testing.TestServer;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class MetricsTest {

  private static final String COMPLETIONS = "/v1/completions";
  private static final String MODEL = "{engine=\"0\",model_name=\"tiny\"}";

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
        .stats(
            new EngineStats(
                3,
                2,
                1,
                KvBooks.of(16, 8, 64),
                100,
                1000,
                400,
                0,
                500,
                7,
                MeasuredRates.NONE,
                false));
    assertThat(scrape())
        .containsEntry("kappa_num_requests_running" + MODEL, 3.0)
        .containsEntry("kappa_num_requests_waiting" + MODEL, 2.0)
        .containsEntry(waiting("capacity"), 1.0)
        .containsEntry(waiting("deferred"), 1.0)
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
                + "engine=\"0\",model_name=\"tiny\",num_cpu_blocks=\"32\",num_gpu_blocks=\"64\"}",
            1.0);
  }

  private static String waiting(String reason) {
    return "kappa_num_requests_waiting_by_reason{engine=\"0\",model_name=\"tiny\",reason=\"%s\"}"
        .formatted(reason);
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
        .containsEntry("kappa_request_prefill_time_seconds_count" + MODEL, 3.0)
        .containsEntry("kappa_request_decode_time_seconds_count" + MODEL, 3.0)
        .containsEntry("kappa_request_inference_time_seconds_count" + MODEL, 3.0)
        .containsEntry("kappa_request_time_per_output_token_seconds_count" + MODEL, 2.0)
        .containsEntry("kappa_request_params_n_sum" + MODEL, 2.0)
        .containsEntry("kappa_request_params_max_tokens_sum" + MODEL, 6.0)
        .containsEntry("kappa_request_generation_tokens_sum" + MODEL, 11.0)
        .containsEntry("kappa_request_prompt_tokens_sum" + MODEL, 6.0)
        .containsEntry(
            "kappa_request_success_total{engine=\"0\",finished_reason=\"length\",model_name=\"tiny\"}",
            3.0)
        .containsEntry(
            "kappa_request_success_total{engine=\"0\",finished_reason=\"abort\",model_name=\"tiny\"}",
            0.0);
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

  private String text() throws Exception {
    return server.get("/metrics").body();
  }

  @Test
  void tellOfOffloadingUnderVllmsNames() throws Exception {
    server.backend().stats(offloading());
    String labels = "engine=\"0\",model_name=\"tiny\"";
    String prompts = "prompt_tokens_by_source_total{" + labels + ",source=";
    List<String> shared =
        List.of(
            "external_prefix_cache_queries_total{" + labels + "} 9000.0",
            "external_prefix_cache_hits_total{" + labels + "} 6000.0",
            prompts + "\"local_compute\"} 3000.0",
            prompts + "\"local_cache_hit\"} 1000.0",
            prompts + "\"external_kv_transfer\"} 6000.0",
            "kv_offload_load_bytes_total{" + labels + "} 4.0E9",
            "kv_offload_load_time_total{" + labels + "} 0.5",
            "kv_offload_store_bytes_total{" + labels + "} 3.0E9",
            "kv_offload_store_time_total{" + labels + "} 1.5",
            "kv_offload_stores_skipped_total{" + labels + "} 7.0",
            "kv_offload_allocation_failure_total{" + labels + "} 5.0",
            "kv_offload_cpu_cache_usage_perc{" + labels + "} 0.046875",
            "kv_offload_cpu_cache_read_usage_perc{" + labels + "} 0.03125",
            "kv_offload_cpu_cache_write_usage_perc{" + labels + "} 0.015625");
    assertThat(text().lines())
        .containsAll(shared.stream().map("kappa_"::concat).toList())
        .contains(
            "kappa_prefix_cache_hits_total{" + labels + "} 1000.0",
            "kappa_prompt_tokens_cached_total{" + labels + "} 7000.0");
    assertThat(server.get("/metrics/vllm").body().lines())
        .containsAll(shared.stream().map("vllm:"::concat).toList());
  }

  @Test
  void showWhatTheEngineDistributes() throws Exception {
    Distributions engine = server.backend().distributions();
    engine.stepTokens().add(1);
    engine.stepTokens().add(300);
    engine.kv().loadBytes().add(3e6);
    engine.kv().storeBytes().add(4e8);
    engine.kv().lookupSeconds().addNanos(30_000);
    engine.kv().device().lifetime().add(40);
    engine.kv().device().idle().add(7);
    engine.kv().host().reuseGap().add(0.015);
    assertThat(text().lines())
        .contains(
            bucket("iteration_tokens", "1.0") + " 1",
            bucket("iteration_tokens", "256.0") + " 1",
            bucket("iteration_tokens", "512.0") + " 2",
            bucket("iteration_tokens", "+Inf") + " 2",
            "kappa_iteration_tokens_count" + MODEL + " 2",
            "kappa_iteration_tokens_sum" + MODEL + " 301.0",
            bucket("kv_offload_load_size", "1000000.0") + " 0",
            bucket("kv_offload_load_size", "5000000.0") + " 1",
            bucket("kv_offload_store_size", "2.0E8") + " 0",
            bucket("kv_offload_store_size", "+Inf") + " 1",
            bucket("kv_offload_lookup_sync_delay_seconds", "1.0E-5") + " 0",
            bucket("kv_offload_lookup_sync_delay_seconds", "5.0E-5") + " 1",
            life("lifetime", "device", "30.0") + " 0",
            life("lifetime", "device", "60.0") + " 1",
            life("lifetime", "host", "+Inf") + " 0",
            life("idle_before_evict", "device", "10.0") + " 1",
            life("reuse_gap", "host", "0.02") + " 1");
    assertThat(server.get("/metrics/vllm").body().lines())
        .contains(
            "# TYPE vllm:kv_offload_load_size histogram",
            "vllm:kv_offload_load_size_sum" + MODEL + " 3000000.0",
            "vllm:kv_offload_store_size_sum" + MODEL + " 4.0E8",
            "vllm:kv_offload_lookup_sync_delay_seconds_count" + MODEL + " 1");
  }

  private static String life(String name, String tier, String bound) {
    return "kappa_kv_block_%s_seconds_bucket{engine=\"0\",model_name=\"tiny\",tier=\"%s\",le=\"%s\"}"
        .formatted(name, tier, bound);
  }

  @Test
  void countNoQueriesOfAHostTierThatIsOff() throws Exception {
    server
        .backend()
        .stats(
            new EngineStats(
                0, 0, 0, KvBooks.of(0, 0, 64), 0, 1000, 400, 0, 0, 0, MeasuredRates.NONE, false));
    assertThat(scrape())
        .containsEntry(
            "kappa_external_prefix_cache_queries_total{engine=\"0\",model_name=\"tiny\"}", 0.0);
  }

  @Test
  void tellWhatEachTierHoldsAndWhatMoves() throws Exception {
    server.backend().stats(offloading());
    String load = "{direction=\"load\",engine=\"0\",model_name=\"tiny\",tier=\"host\"}";
    String store = "{direction=\"store\",engine=\"0\",model_name=\"tiny\",tier=\"host\"}";
    String device = "{engine=\"0\",model_name=\"tiny\",tier=\"device\"}";
    String host = "{engine=\"0\",model_name=\"tiny\",tier=\"host\"}";
    assertThat(text().lines())
        .contains(
            "kappa_kv_blocks" + device + " 64.0",
            "kappa_kv_blocks_limit" + device + " 64.0",
            "kappa_kv_blocks_used" + device + " 16.0",
            "kappa_kv_blocks_cached" + device + " 8.0",
            "kappa_kv_blocks" + host + " 128.0",
            "kappa_kv_blocks_limit" + host + " 256.0",
            "kappa_kv_blocks_used" + host + " 3.0",
            "kappa_kv_blocks_cached" + host + " 100.0",
            "kappa_kv_transfer_bytes_total" + load + " 4.0E9",
            "kappa_kv_transfer_blocks_total" + load + " 40.0",
            "kappa_kv_transfer_seconds_total" + load + " 0.5",
            "kappa_kv_transfer_failures_total" + load + " 2.0",
            "kappa_kv_transfer_bytes_per_second" + load + " 8.0E9",
            "kappa_kv_link_fraction" + load + " 0.8",
            "kappa_kv_transfer_bytes_total" + store + " 3.0E9",
            "kappa_kv_transfer_blocks_total" + store + " 30.0",
            "kappa_kv_transfer_seconds_total" + store + " 1.5",
            "kappa_kv_transfer_failures_total" + store + " 0.0",
            "kappa_kv_transfer_bytes_per_second" + store + " 2.0E9",
            "kappa_kv_link_fraction" + store + " NaN",
            skipped("no_space", 1),
            skipped("backlog", 2),
            skipped("admission", 3),
            skipped("stand_down", 4),
            skipped("parent", 1),
            "kappa_kv_stores_stand_down" + host + " 1.0",
            "kappa_kv_stores_by_frequency" + host + " 0.0",
            "kappa_kv_stores_discarded_total" + host + " 12.0",
            "kappa_kv_stores_wasted_total" + host + " 13.0");
  }

  private static String skipped(String reason, int blocks) {
    return "kappa_kv_stores_skipped_total{engine=\"0\",model_name=\"tiny\",reason=\"%s\",tier=\"host\"} %d.0"
        .formatted(reason, blocks);
  }

  /** Of 10,000 prompt tokens 1,000 lay on the device and 6,000 in host memory. */
  private static EngineStats offloading() {
    return new EngineStats(
        0, 0, 0, KvBooks.offloading(), 10, 10_000, 7_000, 6_000, 500, 0, MeasuredRates.NONE, false);
  }

  @Test
  void measureRequestsThatWereRestored() throws Exception {
    // One prompt of 16 tokens with the first token, of which 12 came from host memory.
    server
        .backend()
        .script(s ->
            s.cached(12, 12)
                .restored(
                    new Finish.Restored(3, 3 << 20, 7_000_000, 20_000_000, 400_000, 5_000_000))
                .finish(Finish.Reason.STOP));
    server.post(COMPLETIONS, "{\"prompt\":\"fifteen letters\"}");
    server.answerWithLetters();
    server.post(COMPLETIONS, "{\"prompt\":\"nothing\"}");
    assertThat(text().lines())
        .contains(
            "kappa_request_kappa_count" + MODEL + " 1",
            "kappa_request_kappa_sum" + MODEL + " 3.0",
            bucket("request_kappa", "1.0") + " 0",
            bucket("request_kappa", "3.0") + " 1",
            bucket("request_kappa", "100000.0") + " 1",
            "kappa_kv_restore_predicted_stall_seconds_count" + MODEL + " 1",
            "kappa_kv_restore_predicted_stall_seconds_sum" + MODEL + " 4.0E-4",
            bucket("kv_restore_predicted_stall_seconds", "3.0E-4") + " 0",
            bucket("kv_restore_predicted_stall_seconds", "0.001") + " 1",
            "kappa_kv_restore_stall_seconds_count" + MODEL + " 1",
            "kappa_kv_restore_stall_seconds_sum" + MODEL + " 0.005",
            "kappa_kv_restore_wait_seconds_count" + MODEL + " 1",
            "kappa_kv_restore_wait_seconds_sum" + MODEL + " 0.02");
    assertThat(scrape().keySet().stream().filter(name -> name.startsWith("kappa_request_kappa_b")))
        .containsExactlyInAnyOrder(
            Stream.of(
                    "0.1",
                    "0.3",
                    "1.0",
                    "3.0",
                    "10.0",
                    "30.0",
                    "100.0",
                    "300.0",
                    "1000.0",
                    "3000.0",
                    "10000.0",
                    "30000.0",
                    "100000.0",
                    "+Inf")
                .map(bound -> bucket("request_kappa", bound))
                .toArray(String[]::new));
  }

  @Test
  void accountForTheWayToTheFirstToken() throws Exception {
    server
        .backend()
        .script(s ->
            s.cached(12, 8)
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
                .finish(Finish.Reason.STOP));
    server.post(COMPLETIONS, "{\"prompt\":\"fifteen letters\"}");
    server.answerWithLetters();
    server.post(COMPLETIONS, "{\"prompt\":\"nothing\"}");
    assertThat(text().lines())
        .contains(
            bySource("computed", "count") + " 2",
            bySource("computed", "sum") + " 12.0",
            bySource("device", "sum") + " 4.0",
            bySource("host", "sum") + " 8.0",
            "kappa_request_kappa_critical_count" + MODEL + " 1",
            "kappa_request_kappa_critical_sum" + MODEL + " 5.5",
            part("link", "queue", "sum") + " 0.001",
            part("link", "load", "sum") + " 0.007",
            part("link", "compute", "sum") + " 0.004",
            part("link", "overlap", "sum") + " 0.0025",
            part("link", "compute", "count") + " 1",
            part("compute", "compute", "count") + " 1",
            part("compute", "load", "count") + " 0",
            part("queue", "queue", "count") + " 0",
            "kappa_request_predicted_seconds_sum{engine=\"0\",model_name=\"tiny\",part=\"load\"} 0.006",
            "kappa_request_predicted_seconds_count{engine=\"0\",model_name=\"tiny\",part=\"compute\"} 1",
            "kappa_request_predicted_seconds_sum{engine=\"0\",model_name=\"tiny\",part=\"compute\"} 0.003");
  }

  private static String bySource(String source, String what) {
    return "kappa_request_prompt_tokens_by_source_"
        + what
        + "{engine=\"0\",model_name=\"tiny\",source=\""
        + source
        + "\"}";
  }

  private static String part(String bound, String part, String what) {
    return "kappa_request_part_seconds_%s{bound=\"%s\",engine=\"0\",model_name=\"tiny\",part=\"%s\"}"
        .formatted(what, bound, part);
  }

  private static String bucket(String name, String bound) {
    return "kappa_" + name + "_bucket{engine=\"0\",model_name=\"tiny\",le=\"" + bound + "\"}";
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
