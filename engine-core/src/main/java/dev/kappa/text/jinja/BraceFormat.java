package dev.kappa.text.jinja;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Python's {@code str.format} for fields {@code {}}, {@code {0}} and {@code {name}}. */
final class BraceFormat {

  private static final Pattern FIELD = Pattern.compile("\\{\\{|\\}\\}|\\{(\\w*)\\}|[{}]");

  private BraceFormat() {}

  static String format(Rendering rendering, String format, Arguments arguments) {
    StringBuilder out = new StringBuilder();
    Matcher matcher = FIELD.matcher(format);
    int from = 0;
    int next = 0;
    while (matcher.find()) {
      out.append(format, from, matcher.start());
      from = matcher.end();
      String field = matcher.group(1);
      if (field == null) {
        if (matcher.group().length() == 1) {
          throw new JinjaException("format() supports only {}, {0} and {name}");
        }
        out.append(matcher.group().charAt(0));
        continue;
      }
      String text = rendering.str(value(field.isEmpty() ? "" + next++ : field, arguments));
      rendering.budget().charge(text.length());
      out.append(text);
    }
    return out.append(format, from, format.length()).toString();
  }

  private static Object value(String field, Arguments arguments) {
    if (field.matches("\\d{1,4}")) {
      int index = Integer.parseInt(field);
      if (index < arguments.positional().size()) {
        return arguments.positional().get(index);
      }
    } else if (arguments.named().containsKey(field)) {
      return arguments.named().get(field);
    }
    throw new JinjaException("format() lacks the value of {" + field + "}");
  }
}
