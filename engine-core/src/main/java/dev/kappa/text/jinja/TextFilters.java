package dev.kappa.text.jinja;

import static dev.kappa.text.jinja.Arguments.ABSENT;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Filters that give text. */
final class TextFilters {

  /** Where the title filter sees a word begin. */
  private static final Pattern WORD_BREAK = Pattern.compile("[-\\s({\\[<]+");

  private static final Pattern WORD = Pattern.compile("\\w+", Pattern.UNICODE_CHARACTER_CLASS);

  private TextFilters() {}

  static void register(Map<String, Filters.Function> filters) {
    filters.put("string", (rendering, value, arguments) -> rendering.str(value));
    filters.put("safe", (rendering, value, arguments) -> rendering.str(value));
    filters.put("trim", TextFilters::trim);
    filters.put("replace", TextFilters::replace);
    filters.put("indent", TextFilters::indent);
    filters.put("format", TextFilters::format);
    filters.put("title", TextFilters::title);
    filters.put("center", method("center"));
    filters.put("upper", method("upper"));
    filters.put("lower", method("lower"));
    filters.put("capitalize", method("capitalize"));
    filters.put("escape", TextFilters::escape);
    filters.put("e", TextFilters::escape);
    filters.put("tojson", TextFilters::toJson);
    filters.put("wordcount", TextFilters::wordCount);
  }

  private static Object wordCount(Rendering rendering, Object value, Arguments arguments) {
    arguments.bind("wordcount");
    String text = rendering.str(value);
    rendering.budget().charge(text.length());
    return WORD.matcher(text).results().count();
  }

  private static Filters.Function method(String name) {
    return (rendering, value, arguments) ->
        StringMethods.call(rendering, rendering.str(value), name, arguments);
  }

  private static Object trim(Rendering rendering, Object value, Arguments arguments) {
    Object chars = arguments.bind("trim", "chars=")[0];
    @Nullable String set = chars == ABSENT || chars == None.NONE ? null : Values.toText(chars);
    String text = rendering.str(value);
    rendering.budget().charge(text.length());
    return Chars.strip(text, set, true, true);
  }

  private static Object replace(Rendering rendering, Object value, Arguments arguments) {
    Object[] given = arguments.bind("replace", "old", "new", "count=");
    int count = given[2] == ABSENT || given[2] == None.NONE ? -1 : Values.toInt(given[2]);
    return StringMethods.replace(
        rendering, rendering.str(value), rendering.str(given[0]), rendering.str(given[1]), count);
  }

  private static Object indent(Rendering rendering, Object value, Arguments arguments) {
    Object[] given = arguments.bind("indent", "width=", "first=", "blank=");
    Object width = given[0] == ABSENT ? (Object) 4L : given[0];
    int spaces = Values.isInteger(width) ? Math.max(0, Values.toInt(width)) : 0;
    rendering.budget().charge(spaces);
    String margin = width instanceof String text ? text : " ".repeat(spaces);
    boolean first = given[1] != ABSENT && Values.isTrue(given[1]);
    boolean blank = given[2] != ABSENT && Values.isTrue(given[2]);
    if (value instanceof Undefined undefined) {
      throw undefined.failure();
    }
    List<Object> lines = Chars.lines(rendering.str(value) + "\n", false, rendering.budget());
    rendering.budget().charge(lines.size(), margin.length() + 1L);
    StringBuilder out = new StringBuilder();
    for (int i = 0; i < lines.size(); i++) {
      String line = (String) lines.get(i);
      if (i > 0) {
        out.append('\n');
      }
      if (i == 0 ? first : blank || !line.isEmpty()) {
        out.append(margin);
      }
      out.append(line);
    }
    rendering.budget().charge(out.length());
    return out.toString();
  }

  private static Object format(Rendering rendering, Object value, Arguments arguments) {
    Object values =
        arguments.named().isEmpty()
            ? new Tuple(arguments.positional())
            : new LinkedHashMap<Object, Object>(arguments.named());
    return PercentFormat.format(rendering.str(value), values, rendering.budget());
  }

  private static Object title(Rendering rendering, Object value, Arguments arguments) {
    String text = rendering.str(value);
    StringBuilder out = new StringBuilder();
    Matcher breaks = WORD_BREAK.matcher(text);
    int from = 0;
    while (breaks.find()) {
      out.append(StringMethods.capitalizeWord(text.substring(from, breaks.start())));
      out.append(breaks.group());
      from = breaks.end();
    }
    rendering.budget().charge(text.length());
    return out.append(StringMethods.capitalizeWord(text.substring(from))).toString();
  }

  private static Object escape(Rendering rendering, Object value, Arguments arguments) {
    String text = rendering.str(value);
    rendering.budget().charge(text.length());
    return text.replace("&", "&amp;")
        .replace("<", "&lt;")
        .replace(">", "&gt;")
        .replace("\"", "&#34;")
        .replace("'", "&#39;");
  }

  /** As transformers defines it: {@code json.dumps} without ASCII or HTML escapes. */
  private static Object toJson(Rendering rendering, Object value, Arguments arguments) {
    Object[] given =
        arguments.bind("tojson", "ensure_ascii=", "indent=", "separators=", "sort_keys=");
    return new JsonWriter(rendering, given).write(value);
  }
}
