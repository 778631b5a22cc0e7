package dev.kappa.cli.plan;

import dev.kappa.cli.show.Bytes;
import dev.kappa.plan.Distribution;
import dev.kappa.plan.Expectation;
import dev.kappa.plan.Plan;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** Writes a plan for people. */
public final class PlanText {

  private final Plan plan;
  private final boolean trace;
  private final StringBuilder text = new StringBuilder();

  private PlanText(Plan plan) {
    this.plan = plan;
    trace = !plan.hostSizes().isEmpty();
  }

  /** The whole plan, several tables. */
  public static String of(Plan plan) {
    PlanText text = new PlanText(plan);
    text.head();
    text.tiers();
    text.critical();
    text.prefixes();
    text.times();
    text.changes();
    text.hostSizes();
    return text.text.toString();
  }

  private void head() {
    String active =
        plan.activeParameters() == plan.parameters()
            ? ""
            : ", " + Figures.billions(plan.activeParameters()) + " active";
    String devices = plan.devices() == 1 ? "" : plan.devices() + " × ";
    text.append(
        """
        %s (%s parameters%s) on %s%s
          computes %s, loads %s%s

        """
            .formatted(
                plan.model(),
                Figures.billions(plan.parameters()),
                active,
                devices,
                plan.machine(),
                Figures.flops(plan.flopsPerSecond()),
                Figures.rate(plan.linkBytesPerSecond()),
                plan.devices() == 1 ? "" : ", each"));
  }

  private void tiers() {
    Plan.Tiers tiers = plan.tiers();
    text.append("Where KV can be: ")
        .append(String.format(Locale.ROOT, "%,.0f", tiers.kvBytesPerToken()))
        .append(plan.devices() == 1 ? " bytes per token\n" : " bytes per token and device\n");
    boolean fits = tiers.deviceTokens() > 0;
    String weights = Bytes.showBinary(tiers.weightBytes());
    Table table =
        new Table()
            .row("tier", "memory", "tokens")
            .row(
                "device",
                Bytes.showBinary(tiers.deviceBytes()),
                fits ? Figures.tokens(tiers.deviceTokens()) : "none")
            .row("host", Bytes.showBinary(tiers.hostBytes()), Figures.tokens(tiers.hostTokens()));
    text.append(table.show());
    text.append(
        fits
            ? "  The weights take %s of the device.\n\n".formatted(weights)
            : "  The weights take %s, which does not fit; see --gpus.\n\n".formatted(weights));
  }

  private void critical() {
    text.append("κ_crit: cached tokens per new one, above which a request waits for the link\n");
    Table table = new Table().row("context", "κ_crit");
    for (Plan.Critical critical : plan.critical()) {
      table.row(Figures.tokens(critical.context()), Figures.kappa(critical.kappa()));
    }
    table.row("without attention", Figures.kappa(plan.criticalWithoutAttention()));
    text.append(table.show()).append('\n');
  }

  private void prefixes() {
    text.append(trace ? "κ of the trace, by what is cached where\n" : "κ of each request\n");
    Table table = new Table();
    if (trace) {
      table.row("cache", "p50", "p90", "p99", "tokens cached", "wait for the link");
    } else {
      table.row("context", "κ", "tokens cached", "waits for the link");
    }
    for (Plan.Prefixes prefixes : plan.prefixes()) {
      Distribution kappa = prefixes.kappa();
      String cached = Figures.percent(prefixes.cachedShare());
      if (trace) {
        table.row(
            prefixes.cache(),
            Figures.kappa(kappa.p50()),
            Figures.kappa(kappa.p90()),
            Figures.kappa(kappa.p99()),
            cached,
            Figures.percent(prefixes.linkBound()));
      } else {
        table.row(
            Figures.tokens(plan.context()),
            Figures.kappa(kappa.p50()),
            cached,
            prefixes.linkBound() > 0 ? "yes" : "no");
      }
    }
    text.append(table.show()).append('\n');
  }

  private void times() {
    Expectation expected = plan.expected();
    text.append("Times, without decode steps\n");
    Table table = new Table();
    if (trace) {
      table.row("", "mean", "p50", "p90", "p99");
    } else {
      table.row("", "each");
    }
    times(table, "load", expected.loadMillis());
    times(table, "compute", expected.computeMillis());
    times(table, "first token, alone", expected.aloneMillis());
    times(table, "… with a prefix computed in part", expected.splitMillis());
    Distribution queued = expected.queuedMillis();
    if (queued != null) {
      times(table, trace ? "first token, in turn" : "first token, mean in turn", queued);
    }
    text.append(table.show());
    if (expected.deviceUse() != null) {
      text.append(
          "  The link is needed %s of the time, the device %s.%s\n"
              .formatted(
                  Figures.percent(expected.linkUse()),
                  Figures.percent(expected.deviceUse()),
                  queued == null ? " That is more than there is: the queue grows." : ""));
    }
    text.append('\n');
  }

  private void times(Table table, String what, Distribution millis) {
    if (trace) {
      table.row(
          what,
          Figures.millis(millis.mean()),
          Figures.millis(millis.p50()),
          Figures.millis(millis.p90()),
          Figures.millis(millis.p99()));
    } else {
      table.row(what, Figures.millis(millis.mean()));
    }
  }

  private void changes() {
    text.append("What would change it (κ_crit at ")
        .append(Figures.tokens(plan.context()))
        .append(" tokens)\n");
    Table table = new Table();
    if (trace) {
      table.row("", "κ_crit", "wait for the link", "first token p50", "p99", "device use");
    } else {
      table.row("", "κ_crit", "waits for the link", "first token");
    }
    change(table, "as planned", plan.criticalAtContext(), plan.expected());
    for (Plan.Change change : plan.changes()) {
      change(table, change.what(), change.kappaCritical(), change.expected());
    }
    text.append(table.show());
  }

  private void change(Table table, String what, double critical, Expectation expected) {
    String kappa = Figures.kappa(critical);
    if (trace) {
      table.row(
          what,
          kappa,
          Figures.percent(expected.linkBound()),
          Figures.millis(queued(expected).p50()),
          Figures.millis(queued(expected).p99()),
          Figures.percent(expected.deviceUse()));
    } else {
      boolean grows = expected.queuedMillis() == null && expected.deviceUse() != null;
      table.row(
          what,
          kappa,
          expected.linkBound() > 0 ? "yes" : "no",
          grows ? "grows" : Figures.millis(queued(expected).mean()));
    }
  }

  private void hostSizes() {
    if (!trace) {
      return;
    }
    text.append("\nWhat host memory pays\n");
    Table table =
        new Table()
            .row("host", "tokens", "cached", "first token mean", "p99", "link use", "device use");
    for (Plan.HostSize size : plan.hostSizes()) {
      Expectation expected = size.expected();
      Distribution queued = queued(expected);
      table.row(
          size.bytes() == null ? "unlimited" : Bytes.showBinary(size.bytes()),
          Figures.tokens(size.tokens()),
          Figures.percent(expected.cachedShare()),
          Figures.millis(queued.mean()),
          Figures.millis(queued.p99()),
          Figures.percent(expected.linkUse()),
          Figures.percent(expected.deviceUse()));
    }
    text.append(table.show());
  }

  /** In turn if arrivals are known, else alone. */
  private static Distribution queued(Expectation expected) {
    @Nullable Distribution queued = expected.queuedMillis();
    return queued == null ? expected.aloneMillis() : queued;
  }
}
