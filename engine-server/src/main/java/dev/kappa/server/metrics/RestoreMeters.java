package dev.kappa.server.metrics;

import dev.kappa.engine.Finish;
import io.micrometer.core.instrument.DistributionSummary;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.Timer;
import java.util.concurrent.TimeUnit;

/** What loading their prefixes from host memory meant to requests. */
final class RestoreMeters {

  private final DistributionSummary kappa;
  private final Timer predictedStall;
  private final Timer stall;
  private final Timer waited;

  RestoreMeters(MeterRegistry registry, Tags tags) {
    kappa =
        DistributionSummary.builder("kappa.request.kappa")
            .description("Tokens loaded from host memory per prompt token computed")
            .tags(tags)
            .serviceLevelObjectives(Buckets.oneThree(-1, 5))
            .register(registry);
    predictedStall =
        timer(
            registry,
            tags,
            "kappa.kv.restore.predicted.stall",
            "How long the device was expected to wait for a request's load");
    stall =
        timer(
            registry,
            tags,
            "kappa.kv.restore.stall",
            "How long the device waited for a request's load");
    waited =
        timer(
            registry,
            tags,
            "kappa.kv.restore.wait",
            "From the admission of a request with a load to its first step");
  }

  private static Timer timer(MeterRegistry registry, Tags tags, String name, String description) {
    return Timer.builder(name)
        .description(description)
        .tags(tags)
        .serviceLevelObjectives(Buckets.seconds(Buckets.oneThree(-4, 2)))
        .register(registry);
  }

  /** A request ended; those without a load do not count. */
  void finished(Finish finish) {
    if (finish.usage().hostTokens() > 0) {
      kappa.record(finish.usage().kappa());
    }
    Finish.Restored restored = finish.restored();
    if (restored.blocks() > 0) {
      predictedStall.record(restored.predictedStallNanos(), TimeUnit.NANOSECONDS);
      stall.record(restored.stallNanos(), TimeUnit.NANOSECONDS);
      waited.record(restored.waitNanos(), TimeUnit.NANOSECONDS);
    }
  }
}
