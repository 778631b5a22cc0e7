package dev.kappa.cli.plan;

import dev.kappa.roofline.Roofline;
import java.util.Locale;
import java.util.function.DoubleUnaryOperator;

/**
 * Draws the times of loading and computing a context by κ, and where they cross, as SVG: the same
 * bytes for the same numbers, readable on light and dark pages.
 */
public final class Picture {

  private static final int WIDTH = 680;
  private static final int HEIGHT = 380;
  private static final int LEFT = 70;
  private static final int RIGHT = 660;
  private static final int TOP = 40;
  private static final int BOTTOM = 330;

  /** Powers of ten at the ends of the axis of κ. */
  private static final int FIRST_KAPPA = 0;

  private static final int LAST_KAPPA = 3;

  private static final int POINTS = 60;
  private static final double NANOS_PER_MILLI = 1e6;

  private static final String STYLE =
      """
      text { font: 13px sans-serif; fill: #1f2328; }
      .small { font-size: 12px; }
      .grid { stroke: #d0d7de; }
      .load { stroke: #0969da; } .load-text { fill: #0969da; }
      .compute { stroke: #bc4c00; } .compute-text { fill: #bc4c00; }
      .all { stroke: #6e7781; stroke-dasharray: 2 4; } .all-text { fill: #6e7781; }
      .critical { stroke: #1f2328; stroke-dasharray: 6 4; } .dot { fill: #1f2328; }
      path { fill: none; stroke-width: 2.5; }
      @media (prefers-color-scheme: dark) {
        text { fill: #e6edf3; }
        .grid { stroke: #3d444d; }
        .load { stroke: #4493f8; } .load-text { fill: #4493f8; }
        .compute { stroke: #f0883e; } .compute-text { fill: #f0883e; }
        .all { stroke: #9198a1; } .all-text { fill: #9198a1; }
        .critical { stroke: #e6edf3; } .dot { fill: #e6edf3; }
      }
      """;

  private final Roofline roofline;
  private final long context;
  private final int firstMillis;
  private final int lastMillis;
  private final StringBuilder svg = new StringBuilder();

  private Picture(Roofline roofline, long context) {
    this.roofline = roofline;
    this.context = context;
    double least = Math.min(computeMillis(kappaAt(1)), loadMillis(kappaAt(0)));
    firstMillis = (int) Math.floor(Math.log10(least));
    lastMillis = (int) Math.ceil(Math.log10(Math.max(allMillis(), loadMillis(kappaAt(1)))));
  }

  /**
   * The whole file.
   *
   * @param title says which model and machine
   * @param context N, tokens of the prompt
   */
  public static String of(String title, Roofline roofline, long context) {
    return new Picture(roofline, context).draw(title);
  }

  private String draw(String title) {
    add(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" role=\"img\">",
        WIDTH, HEIGHT);
    add("<title>%s</title>", escaped(title));
    svg.append("<style>\n").append(STYLE).append("</style>\n");
    text(LEFT, TOP - 18, "", title);
    axes();
    line("all", kappa -> allMillis());
    line("load", this::loadMillis);
    line("compute", this::computeMillis);
    label(
        0.62,
        allMillis(),
        -7,
        "all-text",
        String.format(Locale.ROOT, "computing all %,d tokens", context));
    label(0.03, loadMillis(kappaAt(0.03)), 18, "load-text", "loading the K cached tokens");
    label(0.2, computeMillis(kappaAt(0.2)), -8, "compute-text", "computing the T others");
    crossing();
    return svg.append("</svg>\n").toString();
  }

  private void axes() {
    for (int power = FIRST_KAPPA; power <= LAST_KAPPA; power++) {
      double x = x(Math.pow(10, power));
      add("<line class=\"grid\" x1=\"%.1f\" y1=\"%d\" x2=\"%.1f\" y2=\"%d\"/>", x, TOP, x, BOTTOM);
      text(
          x - 4 - 3.5 * power,
          BOTTOM + 18,
          "small",
          String.format(Locale.ROOT, "%,.0f", Math.pow(10, power)));
    }
    for (int power = firstMillis; power <= lastMillis; power++) {
      double y = y(Math.pow(10, power));
      add("<line class=\"grid\" x1=\"%d\" y1=\"%.1f\" x2=\"%d\" y2=\"%.1f\"/>", LEFT, y, RIGHT, y);
      text(8, y + 4, "small", millis(power));
    }
    text((LEFT + RIGHT) / 2.0 - 90, BOTTOM + 40, "", "κ = K / T, cached per new token");
  }

  private void crossing() {
    double kappa = roofline.kappaCritical(context);
    if (kappa < Math.pow(10, FIRST_KAPPA) || kappa > Math.pow(10, LAST_KAPPA)) {
      return;
    }
    double x = x(kappa);
    add(
        "<line class=\"critical\" x1=\"%.1f\" y1=\"%d\" x2=\"%.1f\" y2=\"%d\"/>",
        x, TOP, x, BOTTOM);
    add("<circle class=\"dot\" cx=\"%.1f\" cy=\"%.1f\" r=\"4\"/>", x, y(loadMillis(kappa)));
    text(x + 8, y(loadMillis(kappa)) - 38, "", "κ_crit = " + Figures.kappa(kappa));
    text(x + 8, y(loadMillis(kappa)) - 22, "small", "from here on it waits for the link");
    text(LEFT + 8, BOTTOM - 12, "small", "computing hides the load");
  }

  private void line(String style, DoubleUnaryOperator millis) {
    StringBuilder path = new StringBuilder();
    for (int i = 0; i <= POINTS; i++) {
      double kappa = kappaAt(i / (double) POINTS);
      path.append(i == 0 ? 'M' : 'L')
          .append(
              String.format(Locale.ROOT, "%.1f %.1f", x(kappa), y(millis.applyAsDouble(kappa))));
    }
    add("<path class=\"%s\" d=\"%s\"/>", style, path);
  }

  private void label(double share, double millis, int below, String style, String what) {
    text(x(kappaAt(share)) + 6, y(millis) + below, "small " + style, what);
  }

  private void text(double x, double y, String style, String what) {
    add("<text class=\"%s\" x=\"%.1f\" y=\"%.1f\">%s</text>", style, x, y, escaped(what));
  }

  private void add(String format, Object... values) {
    svg.append(String.format(Locale.ROOT, format, values)).append('\n');
  }

  private double loadMillis(double kappa) {
    return roofline.loadNanos(cached(kappa)) / NANOS_PER_MILLI;
  }

  private double computeMillis(double kappa) {
    double cached = cached(kappa);
    return roofline.computeNanos(context - cached, cached) / NANOS_PER_MILLI;
  }

  private double allMillis() {
    return roofline.computeNanos(context, 0) / NANOS_PER_MILLI;
  }

  private double cached(double kappa) {
    return context * kappa / (1 + kappa);
  }

  /** κ at a share of the axis. */
  private static double kappaAt(double share) {
    return Math.pow(10, FIRST_KAPPA + share * (LAST_KAPPA - FIRST_KAPPA));
  }

  private static double x(double kappa) {
    double share = (Math.log10(kappa) - FIRST_KAPPA) / (LAST_KAPPA - FIRST_KAPPA);
    return LEFT + share * (RIGHT - LEFT);
  }

  private double y(double millis) {
    double share = (Math.log10(millis) - firstMillis) / (lastMillis - firstMillis);
    return BOTTOM - share * (BOTTOM - TOP);
  }

  private static String millis(int power) {
    return power >= 3
        ? String.format(Locale.ROOT, "%,.0f s", Math.pow(10, power - 3))
        : String.format(Locale.ROOT, power < 0 ? "%.3g ms" : "%.0f ms", Math.pow(10, power));
  }

  private static String escaped(String text) {
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;");
  }
}
