package dev.kappa.server.openai;

import dev.kappa.engine.Finish;
import dev.kappa.server.http.ApiError;
import dev.kappa.server.http.Exchange;
import java.lang.System.Logger.Level;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/** Writes one line per request that reached the engine. */
final class RequestLog {

  private static final System.Logger LOG = System.getLogger("dev.kappa.requests");

  private final Exchange exchange;
  private long firstTokenNanos;

  RequestLog(Exchange exchange) {
    this.exchange = exchange;
  }

  void firstToken(long nanos) {
    if (firstTokenNanos == 0) {
      firstTokenNanos = nanos;
    }
  }

  void finished(List<Choice> choices, Finish.Usage usage) {
    write(outcome(choices, usage, firstTokenNanos));
  }

  static String outcome(List<Choice> choices, Finish.Usage usage, long firstTokenNanos) {
    String reasons =
        choices.stream()
            .map(Choice::finish)
            .map(finish -> finish == null ? "?" : finish.reason().name().toLowerCase(Locale.ROOT))
            .distinct()
            .collect(Collectors.joining("+"));
    return "200 %s, prompt %d (cached %d%s), generated %d, first token %s"
        .formatted(
            reasons,
            usage.promptTokens(),
            usage.cachedTokens(),
            restored(usage),
            usage.completionTokens(),
            firstTokenNanos == 0 ? "-" : millis(firstTokenNanos));
  }

  /** How much came from host memory, and κ = K / T. */
  private static String restored(Finish.Usage usage) {
    return usage.hostTokens() == 0
        ? ""
        : String.format(
            Locale.ROOT, ", from host %d, kappa %.1f", usage.hostTokens(), usage.kappa());
  }

  void failed(ApiError error) {
    write(error.status() + " " + error.message());
  }

  void abandoned() {
    write("abandoned");
  }

  private void write(String outcome) {
    long total = System.nanoTime() - exchange.call().arrivedNanos();
    LOG.log(
        Level.INFO,
        "{0} {1}: {2}, total {3}",
        exchange.id(),
        exchange.call().path(),
        outcome,
        millis(total));
  }

  private static String millis(long nanos) {
    return String.format(Locale.ROOT, "%.1f ms", nanos / 1e6);
  }
}
