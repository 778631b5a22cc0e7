package dev.kappa.server;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kappa.server.testing.Dashboard;
import dev.kappa.server.testing.PrometheusText;
import dev.kappa.server.testing.TestServer;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

class DashboardTest {

  private static final Pattern METRIC = Pattern.compile("kappa_[a-z0-9_]+");

  @Test
  void namesOnlyMetricsThatThereAre() throws Exception {
    Set<String> served = new TreeSet<>();
    try (TestServer server = new TestServer()) {
      PrometheusText.parse(server.get("/metrics").body())
          .keySet()
          .forEach(sample -> served.add(sample.replaceFirst("\\{.*", "")));
    }
    Set<String> named = new TreeSet<>();
    for (String expression : Dashboard.expressions()) {
      METRIC.matcher(expression).results().forEach(match -> named.add(match.group()));
    }
    assertThat(named).hasSizeGreaterThan(20);
    assertThat(served).containsAll(named);
  }

  @Test
  void showsTiersLinkKappaAndLatencies() {
    assertThat(String.join("\n", Dashboard.expressions()))
        .contains(
            "kappa_kv_blocks_used",
            "tier=\"host\"",
            "tier=\"device\"",
            "kappa_kv_link_fraction",
            "kappa_kv_transfer_bytes_total",
            "kappa_request_kappa_bucket",
            "kappa_time_to_first_token_seconds_bucket",
            "kappa_inter_token_latency_seconds_bucket");
  }
}
