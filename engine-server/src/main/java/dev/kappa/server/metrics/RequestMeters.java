package dev.kappa.server.metrics;

import dev.kappa.engine.Finish;
import io.micrometer.core.instrument.DistributionSummary;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.Timer;
import java.time.Duration;
import java.util.concurrent.TimeUnit;

/** What requests asked for, how long their parts took and how many tokens they had. */
final class RequestMeters {

  private final MeterRegistry registry;
  private final Tags tags;
  private final Timer firstToken;
  private final Timer interToken;
  private final Timer endToEnd;
  private final Timer queued;
  private final Timer prefill;
  private final Timer decode;
  private final Timer inference;
  private final Timer perToken;
  private final DistributionSummary promptTokens;
  private final DistributionSummary generatedTokens;
  private final DistributionSummary choices;
  private final DistributionSummary maxTokens;

  /**
   * @param maxLength longest sequence in tokens
   */
  RequestMeters(MeterRegistry registry, Tags tags, int maxLength) {
    this.registry = registry;
    this.tags = tags;
    firstToken = timer("time.to.first.token", "From arrival to first token", Buckets.firstToken());
    interToken = timer("inter.token.latency", "Between tokens", Buckets.interToken());
    endToEnd = timer("e2e.request.latency", "From arrival to end", Buckets.request());
    queued = timer("request.queue.time", "From submission to first step", Buckets.request());
    prefill = timer("request.prefill.time", "From first step to first token", Buckets.request());
    decode = timer("request.decode.time", "From first token to end", Buckets.request());
    inference = timer("request.inference.time", "From first step to end", Buckets.request());
    perToken =
        timer(
            "request.time.per.output.token",
            "A request's mean time between tokens",
            Buckets.interToken());
    promptTokens = summary("request.prompt.tokens", "Prompt tokens per request", maxLength);
    generatedTokens =
        summary("request.generation.tokens", "Generated tokens per request", maxLength);
    choices = summary("request.params.n", "Choices asked for per prompt", 128);
    maxTokens = summary("request.params.max.tokens", "Most tokens to generate", maxLength);
  }

  private Timer timer(String name, String description, Duration[] buckets) {
    return Timer.builder("kappa." + name)
        .description(description)
        .tags(tags)
        .serviceLevelObjectives(buckets)
        .register(registry);
  }

  private DistributionSummary summary(String name, String description, int limit) {
    return DistributionSummary.builder("kappa." + name)
        .description(description)
        .tags(tags)
        .serviceLevelObjectives(Buckets.oneTwoFive(limit))
        .register(registry);
  }

  void requested(int wantedChoices, int mostTokens) {
    choices.record(wantedChoices);
    maxTokens.record(mostTokens);
  }

  void firstToken(long nanos) {
    firstToken.record(nanos, TimeUnit.NANOSECONDS);
  }

  void laterTokens(long nanos, int tokens) {
    for (int i = 0; i < tokens; i++) {
      interToken.record(nanos / tokens, TimeUnit.NANOSECONDS);
    }
  }

  /** A request ended, so many nanoseconds after its arrival. */
  void finished(Finish finish, long nanos) {
    endToEnd.record(nanos, TimeUnit.NANOSECONDS);
    Finish.Timings timings = finish.timings();
    int generated = finish.usage().completionTokens();
    queued.record(timings.queued(), TimeUnit.NANOSECONDS);
    inference.record(timings.total() - timings.queued(), TimeUnit.NANOSECONDS);
    if (generated > 0) {
      long decoding = timings.total() - timings.firstToken();
      prefill.record(timings.firstToken() - timings.queued(), TimeUnit.NANOSECONDS);
      decode.record(decoding, TimeUnit.NANOSECONDS);
      if (generated > 1) {
        perToken.record(decoding / (generated - 1), TimeUnit.NANOSECONDS);
      }
    }
    promptTokens.record(finish.usage().promptTokens());
    generatedTokens.record(generated);
  }
}
