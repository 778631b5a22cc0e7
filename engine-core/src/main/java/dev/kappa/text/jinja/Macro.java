package dev.kappa.text.jinja;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** A macro, or the body of a {@code call} block. It sees the names around its definition. */
record Macro(
    Stmt.MacroBody body, Scope definition, Interpreter interpreter, Expressions expressions)
    implements Callable {

  @Override
  public Object call(Arguments arguments) {
    Scope scope = new Scope(definition);
    List<Object> positional = arguments.positional();
    List<Stmt.Parameter> parameters = body.parameters();
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
    int taken = Math.min(parameters.size(), positional.size());
    bindOthers(scope, positional.subList(taken, positional.size()), named);
    return interpreter.render(body.body(), scope);
  }

  private void bindOthers(Scope scope, List<Object> positional, Map<Object, Object> named) {
    if (body.names().contains("caller")) {
      Object caller = named.remove("caller");
      scope.set("caller", caller == null ? new Undefined("no caller defined") : caller);
    }
    if (body.names().contains("kwargs")) {
      scope.set("kwargs", named);
    } else if (!named.isEmpty()) {
      throw new JinjaException(
          "%s takes no argument '%s'".formatted(this, named.keySet().iterator().next()));
    }
    if (body.names().contains("varargs")) {
      scope.set("varargs", new Tuple(new ArrayList<>(positional)));
    } else if (!positional.isEmpty()) {
      throw new JinjaException(
          "%s takes no more than %d arguments".formatted(this, body.parameters().size()));
    }
  }

  @Override
  public String toString() {
    return "macro '" + body.name() + "'";
  }
}
