package dev.kappa.text.jinja;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Evaluates expressions. Confined to one rendering. */
final class Expressions {

  private final Rendering rendering;
  private final Operators operators;
  private final Members members;

  Expressions(Rendering rendering) {
    this.rendering = rendering;
    this.operators = rendering.operators();
    this.members = new Members(rendering);
  }

  Object evaluate(Expr expr, Scope scope) {
    rendering.step(expr.line());
    return switch (expr) {
      case Expr.Literal literal -> literal.value();
      case Expr.Name name -> scope.get(name.name());
      case Expr.ListLiteral list -> all(list.items(), scope);
      case Expr.TupleLiteral tuple -> new Tuple(all(tuple.items(), scope));
      case Expr.DictLiteral dict -> dict(dict, scope);
      case Expr.Unary unary -> unary(unary, scope);
      case Expr.Binary binary ->
          operators.binary(
              binary.operator(), evaluate(binary.left(), scope), evaluate(binary.right(), scope));
      case Expr.Logical logical -> {
        Object left = evaluate(logical.left(), scope);
        yield Values.isTrue(left) == logical.and() ? evaluate(logical.right(), scope) : left;
      }
      case Expr.Concat concat -> concat(concat, scope);
      case Expr.Comparison comparison -> comparison(comparison, scope);
      case Expr.Conditional conditional -> conditional(conditional, scope);
      case Expr.Attribute attribute ->
          members.attribute(evaluate(attribute.owner(), scope), attribute.name());
      case Expr.Item item ->
          members.item(evaluate(item.owner(), scope), evaluate(item.key(), scope));
      case Expr.Slice slice ->
          members.slice(
              evaluate(slice.owner(), scope),
              optional(slice.start(), scope),
              optional(slice.stop(), scope),
              optional(slice.step(), scope));
      case Expr.Call call -> call(call, scope, Map.of());
      case Expr.Filter filter -> filter(filter, evaluate(filter.value(), scope), scope);
      case Expr.Test test ->
          Tests.apply(
              rendering,
              test.name(),
              evaluate(test.value(), scope),
              arguments(test.arguments(), scope, Map.of()));
    };
  }

  /** Applies a filter to a value in place of its own operand. */
  Object filter(Expr.Filter filter, Object value, Scope scope) {
    Arguments arguments = arguments(filter.arguments(), scope, Map.of());
    rendering.step(filter.line());
    return Filters.apply(rendering, filter.name(), value, arguments);
  }

  /** Calls with named arguments besides those written. */
  Object call(Expr.Call call, Scope scope, Map<String, Object> more) {
    Object callee = evaluate(call.callee(), scope);
    Arguments arguments = arguments(call.arguments(), scope, more);
    rendering.step(call.line());
    return switch (callee) {
      case Callable callable -> callable.call(arguments);
      case Undefined undefined -> throw undefined.failure();
      default -> throw new JinjaException(Values.describe(callee) + " cannot be called");
    };
  }

  private Arguments arguments(Expr.CallArguments written, Scope scope, Map<String, Object> more) {
    if (written.isEmpty() && more.isEmpty()) {
      return Arguments.NONE;
    }
    List<Object> positional = all(written.positional(), scope);
    Map<String, Object> named = new LinkedHashMap<>();
    written.named().forEach((name, value) -> named.put(name, evaluate(value, scope)));
    if (written.list() != null) {
      List<Object> spread = operators.iterate(evaluate(written.list(), scope));
      rendering.budget().chargeItems(spread.size());
      positional.addAll(spread);
    }
    if (written.dict() != null) {
      Values.toMap(evaluate(written.dict(), scope))
          .forEach((name, value) -> named.put(Values.toText(name), value));
    }
    named.putAll(more);
    return new Arguments(positional, named);
  }

  private List<Object> all(List<Expr> items, Scope scope) {
    List<Object> values = new ArrayList<>(items.size());
    for (Expr item : items) {
      values.add(evaluate(item, scope));
    }
    return values;
  }

  private Object optional(@Nullable Expr expr, Scope scope) {
    return expr == null ? None.NONE : evaluate(expr, scope);
  }

  private Object dict(Expr.DictLiteral dict, Scope scope) {
    Map<Object, Object> map = new LinkedHashMap<>();
    for (int i = 0; i < dict.keys().size(); i++) {
      Object key = Values.key(evaluate(dict.keys().get(i), scope));
      map.put(key, evaluate(dict.values().get(i), scope));
    }
    return map;
  }

  private Object unary(Expr.Unary unary, Scope scope) {
    Object value = evaluate(unary.operand(), scope);
    return switch (unary.operator()) {
      case "not" -> !Values.isTrue(value);
      case "-" -> operators.negate(value);
      default -> operators.binary("+", 0L, value);
    };
  }

  private Object concat(Expr.Concat concat, Scope scope) {
    StringBuilder out = new StringBuilder();
    for (Expr part : concat.parts()) {
      String text = rendering.str(evaluate(part, scope));
      rendering.budget().charge(text.length());
      out.append(text);
    }
    return out.toString();
  }

  private Object comparison(Expr.Comparison comparison, Scope scope) {
    Object left = evaluate(comparison.operands().getFirst(), scope);
    for (int i = 0; i < comparison.operators().size(); i++) {
      Object right = evaluate(comparison.operands().get(i + 1), scope);
      if (!operators.compare(comparison.operators().get(i), left, right)) {
        return false;
      }
      left = right;
    }
    return true;
  }

  private Object conditional(Expr.Conditional conditional, Scope scope) {
    if (Values.isTrue(evaluate(conditional.test(), scope))) {
      return evaluate(conditional.then(), scope);
    }
    return conditional.otherwise() == null
        ? new Undefined("the inline if-expression was false and has no else")
        : evaluate(conditional.otherwise(), scope);
  }
}
