package dev.kappa.server.openai;

import dev.kappa.engine.Finish;
import dev.kappa.server.http.ApiError;
import dev.kappa.server.http.Exchange;
import java.lang.System.Logger.Level;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
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
    return "200 %s, prompt %d (computed %d, device %d, host %d), generated %d, first token %s%s"
        .formatted(
            reasons,
            usage.promptTokens(),
            usage.computedTokens(),
            usage.deviceTokens(),
            usage.hostTokens(),
            usage.completionTokens(),
            firstTokenNanos == 0 ? "-" : millis(firstTokenNanos),
            account(choices));
  }

  /** Of a single choice, what its way to the first token took; of several, what bounded them. */
  private static String account(List<Choice> choices) {
    List<Finish> finishes = choices.stream().map(Choice::finish).filter(Objects::nonNull).toList();
    String bounds =
        finishes.stream()
            .map(finish -> finish.account().bound().name().toLowerCase(Locale.ROOT))
            .distinct()
            .collect(Collectors.joining("+"));
    String times = finishes.size() == 1 ? times(finishes.getFirst()) : "";
    return times + ", bound by " + bounds;
  }

  private static String times(Finish finish) {
    Finish.Account account = finish.account();
    StringBuilder text = new StringBuilder();
    if (finish.usage().hostTokens() > 0) {
      text.append(String.format(Locale.ROOT, ", kappa %.1f", finish.usage().kappa()));
      if (Double.isFinite(account.kappaCritical())) {
        text.append(String.format(Locale.ROOT, " (critical %.1f)", account.kappaCritical()));
      }
      text.append(", load ").append(millis(account.loadNanos()));
      text.append(expected(account.predictedLoadNanos()));
    }
    text.append(", compute ").append(millis(account.computeNanos()));
    text.append(expected(account.predictedComputeNanos()));
    if (account.overlapNanos() > 0) {
      text.append(", overlap ").append(millis(account.overlapNanos()));
    }
    return text.append(", queue ").append(millis(account.queueNanos())).toString();
  }

  private static String expected(long nanos) {
    return nanos == 0 ? "" : " (expected " + millis(nanos) + ")";
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
