package dev.kappa.grammar;

import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The values of {@code format} that strings are kept to, as expressions: those of OpenAI's
 * structured outputs. Each writes only what its specification allows, though not in every spelling.
 */
final class Formats {

  private static final String YEAR_BUT_0 = "(?:\\d{3}[1-9]|\\d{2}[1-9]0|\\d[1-9]00|[1-9]000)";
  private static final String LEAP_YEAR =
      "(?:\\d{2}(?:0[48]|[2468][048]|[13579][26])|(?:0[48]|[2468][048]|[13579][26])00)";

  /** RFC 3339, 5.6, with the days that months have. */
  private static final String DATE =
      "(?:"
          + YEAR_BUT_0
          + "-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12]\\d|3[01])"
          + "|(?:0[469]|11)-(?:0[1-9]|[12]\\d|30)"
          + "|02-(?:0[1-9]|1\\d|2[0-8]))|"
          + LEAP_YEAR
          + "-02-29)";

  private static final String HOUR_AND_MINUTE = "(?:[01]\\d|2[0-3]):[0-5]\\d";

  /** RFC 3339, 5.6, without leap seconds. */
  private static final String TIME =
      HOUR_AND_MINUTE + ":[0-5]\\d(?:\\.\\d{1,6})?(?:Z|[+-](?:0\\d|1[0-7]):[0-5]\\d)";

  /** RFC 3339, appendix A. */
  private static final String DURATION = duration();

  private static final String HEX = "[0-9a-fA-F]";

  /** RFC 4122, 3. */
  private static final String UUID =
      HEX + "{8}-" + HEX + "{4}-" + HEX + "{4}-" + HEX + "{4}-" + HEX + "{12}";

  /** RFC 1123, 2.1: labels of letters, digits and inner hyphens, 63 at most. */
  private static final String LABEL = "[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,30}[a-zA-Z0-9])?";

  /** Below the limit of 253 characters. */
  private static final String HOSTNAME = LABEL + "(?:\\." + LABEL + "){0,6}";

  /** RFC 5321, 4.1.2, without quotes and comments; the last label is of letters. */
  private static final String EMAIL =
      "[a-zA-Z0-9_+-]{1,20}(?:\\.[a-zA-Z0-9_+-]{1,20}){0,2}@(?:"
          + LABEL
          + "\\.){1,4}[a-zA-Z]{2,10}";

  private static final String OCTET = "(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)";

  /** RFC 2673, 3.2. */
  private static final String IPV4 = OCTET + "(?:\\." + OCTET + "){3}";

  private static final Map<String, String> EXPRESSIONS =
      Map.of(
          "date", DATE,
          "time", TIME,
          "date-time", DATE + "T" + TIME,
          "duration", DURATION,
          "uuid", UUID,
          "hostname", HOSTNAME,
          "email", EMAIL,
          "ipv4", IPV4,
          "ipv6", ipv6());

  private static final Map<String, Regex> PARSED = new HashMap<>();

  static {
    EXPRESSIONS.forEach((name, text) -> PARSED.put(name, RegexParser.parse("^(?:" + text + ")$")));
  }

  private Formats() {}

  /** What strings of a format look like; null if the format has no effect. */
  static @Nullable Regex of(String format) {
    return PARSED.get(format);
  }

  /** Units follow each other without a gap: no days right behind years. */
  private static String duration() {
    String n = "\\d{1,9}";
    String seconds = n + "S";
    String minutes = n + "M(?:" + seconds + ")?";
    String hours = n + "H(?:" + minutes + ")?";
    String time = "T(?:" + hours + "|" + minutes + "|" + seconds + ")";
    String days = n + "D";
    String months = n + "M(?:" + days + ")?";
    String years = n + "Y(?:" + months + ")?";
    return "P(?:" + n + "W|(?:" + years + "|" + months + "|" + days + ")(?:" + time + ")?|" + time
        + ")";
  }

  /** RFC 4291, 2.2: eight groups, or fewer around one gap. */
  private static String ipv6() {
    String group = HEX + "{1,4}";
    StringBuilder forms = new StringBuilder(group + "(?::" + group + "){7}");
    for (int before = 0; before <= 6; before++) {
      forms.append('|');
      if (before > 0) {
        forms
            .append(group)
            .append("(?::")
            .append(group)
            .append("){")
            .append(before - 1)
            .append('}');
      }
      forms.append("::");
      int behind = 6 - before;
      if (behind > 0) {
        forms
            .append("(?:")
            .append(group)
            .append("(?::")
            .append(group)
            .append("){0,")
            .append(behind - 1)
            .append("})?");
      }
    }
    return forms.toString();
  }
}
