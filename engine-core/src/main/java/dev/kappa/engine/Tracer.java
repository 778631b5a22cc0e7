package dev.kappa.engine;

import dev.kappa.kv.transfer.CopyListener;
import dev.kappa.schedule.StepPlan;
import dev.kappa.trace.TraceEvent;
import dev.kappa.trace.TraceFile;
import java.util.Map;

/**
 * Tells a trace what an engine does: steps, their parts on the device's streams, copies, and
 * requests. Thread-safe.
 */
final class Tracer implements CopyListener {

  private static final String STEPS = "steps";
  private static final String LONG_STEPS = "long steps";

  private final TraceFile file;

  Tracer(TraceFile file) {
    this.file = file;
  }

  /**
   * A step is done.
   *
   * @param predictedNanos what it was expected to take without waiting
   * @param stallNanos how long it waited for loads
   */
  void step(StepPlan plan, long predictedNanos, long begun, long ended, long stallNanos) {
    Map<String, Number> figures =
        Map.of(
            "sequences",
            plan.chunks().size(),
            "tokens",
            plan.rows(),
            "loads",
            plan.loads().size(),
            "predicted_ms",
            millis(predictedNanos),
            "stall_ms",
            millis(stallNanos));
    file.write(new TraceEvent.Span(STEPS, "step", begun, ended, figures));
  }

  /** A step over host memory is done. */
  void longStep(StepPlan plan, long begun, long ended, long readNanos) {
    Map<String, Number> figures =
        Map.of(
            "tokens",
            plan.rows(),
            "context",
            plan.chunks().getFirst().start() + plan.rows(),
            "read_ms",
            millis(readNanos));
    file.write(new TraceEvent.Span(LONG_STEPS, "step", begun, ended, figures));
  }

  /** A part of a step is done on a stream. */
  void part(String stream, String name, long start, long end) {
    file.write(new TraceEvent.Span(stream, name, start, end, Map.of()));
  }

  @Override
  public void onCopied(String stream, long startNanos, long endNanos, long bytes) {
    Map<String, Number> figures =
        Map.of(
            "bytes",
            bytes,
            "gigabytes_per_second",
            bytes / (double) Math.max(1, endNanos - startNanos));
    file.write(new TraceEvent.Span(stream, "copy", startNanos, endNanos, figures));
  }

  /** A request has come. */
  void submitted(ActiveRequest request) {
    Map<String, Number> figures = Map.of("prompt_tokens", request.sequence().promptLength());
    file.write(new TraceEvent.Begin(id(request), name(request), request.submittedNanos(), figures));
  }

  /** A request has ended, somehow. */
  void ended(ActiveRequest request, long now) {
    Finish finish = request.finished();
    if (finish == null) {
      file.write(new TraceEvent.End(id(request), name(request), now, Map.of()));
      return;
    }
    long from = request.submittedNanos();
    Finish.Timings timings = finish.timings();
    long end = from + timings.total();
    long started = from + timings.queued();
    between(id(request), "waiting", from, started);
    if (timings.firstToken() > 0) {
      long first = from + timings.firstToken();
      between(id(request), "prompt", started, first);
      between(id(request), "output", first, end);
    }
    Finish.Account account = finish.account();
    if (account.loadNanos() > 0 && finish.restored().blocks() > 0) {
      long begun = started - finish.restored().waitNanos();
      between(id(request) + " load", "load", begun, begun + account.loadNanos());
    }
    file.write(new TraceEvent.End(id(request), name(request), end, figures(finish)));
  }

  private void between(String id, String name, long from, long to) {
    file.write(new TraceEvent.Begin(id, name, from, Map.of()));
    file.write(new TraceEvent.End(id, name, to, Map.of()));
  }

  private static Map<String, Number> figures(Finish finish) {
    Finish.Usage usage = finish.usage();
    return Map.of(
        "computed_tokens",
        usage.computedTokens(),
        "device_tokens",
        usage.deviceTokens(),
        "host_tokens",
        usage.hostTokens(),
        "generated_tokens",
        usage.completionTokens(),
        "kappa",
        usage.kappa(),
        "kappa_critical",
        finish.account().kappaCritical(),
        "first_token_ms",
        millis(finish.timings().firstToken()));
  }

  /** Unlike the name, of which there may be several. */
  private static String id(ActiveRequest request) {
    return Long.toString(request.number());
  }

  private static String name(ActiveRequest request) {
    return "request " + request.id();
  }

  private static double millis(long nanos) {
    return nanos / 1e6;
  }
}
