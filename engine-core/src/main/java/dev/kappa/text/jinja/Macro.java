package dev.kappa.text.jinja;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** A macro, or the body of a {@code call} block. It sees the names around its definition. */
record Macro(
    String name,
    List<Stmt.Parameter> parameters,
    List<Stmt> body,
    Scope definition,
    Interpreter interpreter,
    Expressions expressions)
    implements Callable {

  @Override
  public Object call(Arguments arguments) {
    Scope scope = new Scope(definition);
    List<Object> positional = arguments.positional();
    Map<Object, Object> named = new LinkedHashMap<>(arguments.named());
    for (int i = 0; i < parameters.size(); i++) {
      Stmt.Parameter parameter = parameters.get(i);
      Object given = i < positional.size() ? positional.get(i) : named.remove(parameter.name());
      if (given == null) {
        given =
            parameter.defaultValue() == null
                ? new Undefined("parameter '" + parameter.name() + "' was not provided")
                : expressions.evaluate(parameter.defaultValue(), scope);
      }
      scope.set(parameter.name(), given);
    }
    Object caller = named.remove("caller");
    scope.set("caller", caller == null ? new Undefined("no caller defined") : caller);
    int taken = Math.min(parameters.size(), positional.size());
    scope.set("varargs", new Tuple(new ArrayList<>(positional.subList(taken, positional.size()))));
    scope.set("kwargs", named);
    return interpreter.render(body, scope);
  }

  @Override
  public String toString() {
    return "macro " + name;
  }
}
