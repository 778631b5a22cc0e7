package dev.kappa.server.testing;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import tools.jackson.databind.JsonNode;

/** The Grafana dashboard that ships. */
public final class Dashboard {

  private static final Path FILE =
      Path.of(System.getProperty("basedir", "."), "..", "docs", "grafana", "kappa.json");

  private Dashboard() {}

  /** What its panels ask Prometheus, with values for Grafana's variables. */
  public static List<String> expressions() {
    List<String> expressions = new ArrayList<>();
    for (JsonNode panel : TestServer.JSON.readTree(FILE).get("panels").values()) {
      for (JsonNode target : panel.path("targets").values()) {
        expressions.add(
            target
                .get("expr")
                .asString()
                .replace("$__rate_interval", "1m")
                .replace("$model", ".*"));
      }
    }
    return expressions;
  }
}
