package dev.kappa.server.metrics;

import dev.kappa.engine.EngineStats;
import dev.kappa.server.backend.InferenceBackend;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.Tags;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.util.function.ToDoubleFunction;

/** Registers meters that read the engine's books when they are asked. */
record EngineMeters(PrometheusMeterRegistry registry, InferenceBackend backend) {

  void gauge(String name, String description, Tags tags, ToDoubleFunction<EngineStats> value) {
    Gauge.builder(name, backend, b -> value.applyAsDouble(b.stats()))
        .description(description)
        .tags(tags)
        .register(registry);
  }

  void counter(String name, String description, Tags tags, ToDoubleFunction<EngineStats> value) {
    FunctionCounter.builder(name, backend, b -> value.applyAsDouble(b.stats()))
        .description(description)
        .tags(tags)
        .register(registry);
  }

  /**
   * @param name as it is on the wire
   */
  void histogram(String name, String description, HistogramMeter.Source... sources) {
    registry.getPrometheusRegistry().register(new HistogramMeter(name, description, sources));
  }
}
