package dev.kappa.server.testing;

import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A strict reader of Prometheus' text format 0.0.4. */
public final class PrometheusText {

  private static final Pattern SAMPLE =
      Pattern.compile(
          "([a-zA-Z_:][a-zA-Z0-9_:]*)"
              + "(\\{[a-zA-Z_][a-zA-Z0-9_]*=\"[^\"\\n]*\"(,[a-zA-Z_][a-zA-Z0-9_]*=\"[^\"\\n]*\")*})?"
              + " (\\S+)");
  private static final Pattern COMMENT =
      Pattern.compile("# (HELP \\S+ .*|TYPE (\\S+) (counter|gauge|histogram|summary|untyped))");

  private PrometheusText() {}

  /** Each sample's name with labels, and its value. */
  public static Map<String, Double> parse(String text) {
    Map<String, Double> samples = new LinkedHashMap<>();
    Set<String> typed = new HashSet<>();
    if (!text.endsWith("\n")) {
      throw new AssertionError("the last line is not ended");
    }
    for (String line : text.lines().toList()) {
      if (line.startsWith("#")) {
        Matcher comment = match(COMMENT, line);
        if (comment.group(2) != null && !typed.add(comment.group(2))) {
          throw new AssertionError("typed twice: " + line);
        }
        continue;
      }
      Matcher sample = match(SAMPLE, line);
      String family = sample.group(1).replaceFirst("_(bucket|sum|count)$", "");
      if (!typed.contains(family) && !typed.contains(sample.group(1))) {
        throw new AssertionError("no type for " + line);
      }
      String labels = sample.group(2) == null ? "" : sample.group(2);
      double value = Double.parseDouble(sample.group(4).replace("+Inf", "Infinity"));
      if (samples.put(sample.group(1) + labels, value) != null) {
        throw new AssertionError("twice: " + line);
      }
    }
    return samples;
  }

  private static Matcher match(Pattern pattern, String line) {
    Matcher matcher = pattern.matcher(line);
    if (!matcher.matches()) {
      throw new AssertionError("not in Prometheus' format: " + line);
    }
    return matcher;
  }
}
