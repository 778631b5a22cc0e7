package dev.kappa.text.jinja;

import dev.kappa.text.TemplateRejection;
import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The functions every template can call. */
final class Globals {

  /** As in Jinja's sandbox. */
  private static final int LONGEST_RANGE = 100_000;

  private Globals() {}

  static Scope scope(Rendering rendering) {
    Scope scope = new Scope(null);
    scope.set("range", (Callable) arguments -> range(rendering, arguments));
    scope.set("namespace", (Callable) arguments -> namespace(rendering, arguments));
    scope.set("dict", (Callable) arguments -> dict(rendering, arguments));
    scope.set(
        "raise_exception",
        (Callable)
            arguments -> {
              throw new TemplateRejection(
                  rendering.str(arguments.bind("raise_exception", "message")[0]));
            });
    scope.set("strftime_now", (Callable) arguments -> strftimeNow(rendering, arguments));
    return scope;
  }

  private static Object strftimeNow(Rendering rendering, Arguments arguments) {
    String format = Values.toText(arguments.bind("strftime_now", "format")[0]);
    rendering.budget().chargeItems(format.length());
    return Strftime.format(LocalDateTime.now(rendering.clock()), format);
  }

  private static Object range(Rendering rendering, Arguments arguments) {
    Object[] bounds = arguments.bind("range", "start", "stop=", "step=");
    boolean single = bounds[1] == Arguments.ABSENT;
    long start = single ? 0 : Values.toLong(bounds[0]);
    long stop = Values.toLong(bounds[single ? 0 : 1]);
    long step = bounds[2] == Arguments.ABSENT ? 1 : Values.toLong(bounds[2]);
    if (step == 0) {
      throw new JinjaException("range() step cannot be zero");
    }
    List<Object> items = new ArrayList<>();
    for (long i = start; step > 0 ? i < stop : i > stop; i += step) {
      if (items.size() == LONGEST_RANGE) {
        throw new JinjaException("range() of more than " + LONGEST_RANGE + " items");
      }
      rendering.budget().chargeItems(1);
      items.add(i);
    }
    return items;
  }

  private static Object namespace(Rendering rendering, Arguments arguments) {
    Namespace namespace = new Namespace();
    dict(rendering, arguments).forEach((name, value) -> namespace.set(Values.toText(name), value));
    return namespace;
  }

  private static Map<Object, Object> dict(Rendering rendering, Arguments arguments) {
    Map<Object, Object> map = new LinkedHashMap<>();
    for (Object source : arguments.positional()) {
      rendering.budget().chargeItems(Values.toMap(source).size());
      map.putAll(Values.toMap(source));
    }
    map.putAll(arguments.named());
    return map;
  }
}
