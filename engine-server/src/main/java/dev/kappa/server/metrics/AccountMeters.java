package dev.kappa.server.metrics;

import dev.kappa.engine.Finish;
import io.micrometer.core.instrument.DistributionSummary;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.Timer;
import java.util.EnumMap;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** What requests' ways to their first tokens took, and what bounded them. */
final class AccountMeters {

  /** The parts of a way, of requests with one bound. */
  private record Parts(Timer queue, Timer load, Timer compute, Timer overlap) {}

  private final MeterRegistry registry;
  private final Tags tags;
  private final DistributionSummary computed;
  private final DistributionSummary device;
  private final DistributionSummary host;
  private final DistributionSummary kappaCritical;
  private final Timer predictedLoad;
  private final Timer predictedCompute;
  private final Map<Finish.Bound, Parts> parts = new EnumMap<>(Finish.Bound.class);

  /**
   * @param limit tokens of the longest context
   */
  AccountMeters(MeterRegistry registry, Tags tags, int limit) {
    this.registry = registry;
    this.tags = tags;
    computed = tokens("computed", limit);
    device = tokens("device", limit);
    host = tokens("host", limit);
    kappaCritical =
        DistributionSummary.builder("kappa.request.kappa.critical")
            .description("Critical kappa of requests that loaded from host memory, as measured")
            .tags(tags)
            .serviceLevelObjectives(Buckets.oneThree(-1, 5))
            .register(registry);
    predictedLoad = predicted("load");
    predictedCompute = predicted("compute");
    for (Finish.Bound bound : Finish.Bound.values()) {
      parts.put(
          bound,
          new Parts(
              actual("queue", bound),
              actual("load", bound),
              actual("compute", bound),
              actual("overlap", bound)));
    }
  }

  private DistributionSummary tokens(String source, int limit) {
    return DistributionSummary.builder("kappa.request.prompt.tokens.by.source")
        .description("Prompt tokens per request by where their KV came from")
        .tags(tags.and("source", source))
        .serviceLevelObjectives(Buckets.oneTwoFive(limit))
        .register(registry);
  }

  private Timer predicted(String part) {
    return timer(
        "kappa.request.predicted",
        "What part of the way to the first token was expected to take",
        tags.and("part", part));
  }

  private Timer actual(String part, Finish.Bound bound) {
    return timer(
        "kappa.request.part",
        "What part of the way to the first token took, by what the request waited for longest",
        tags.and("part", part, "bound", bound.name().toLowerCase(Locale.ROOT)));
  }

  private Timer timer(String name, String description, Tags labels) {
    return Timer.builder(name)
        .description(description)
        .tags(labels)
        .serviceLevelObjectives(Buckets.seconds(Buckets.oneThree(-4, 2)))
        .register(registry);
  }

  /** A request ended; loads count only where there was one. */
  void finished(Finish finish) {
    Finish.Usage usage = finish.usage();
    Finish.Account account = finish.account();
    computed.record(usage.computedTokens());
    device.record(usage.deviceTokens());
    host.record(usage.hostTokens());
    Parts taken = parts.get(account.bound());
    if (taken == null) {
      throw new IllegalStateException("no meters of " + account.bound());
    }
    record(taken.queue, account.queueNanos());
    record(taken.compute, account.computeNanos());
    if (account.predictedComputeNanos() > 0) {
      record(predictedCompute, account.predictedComputeNanos());
    }
    if (usage.hostTokens() > 0) {
      record(taken.load, account.loadNanos());
      record(taken.overlap, account.overlapNanos());
      record(predictedLoad, account.predictedLoadNanos());
      if (Double.isFinite(account.kappaCritical())) {
        kappaCritical.record(account.kappaCritical());
      }
    }
  }

  private static void record(Timer timer, long nanos) {
    timer.record(nanos, TimeUnit.NANOSECONDS);
  }
}
