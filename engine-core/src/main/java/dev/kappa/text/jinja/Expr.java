package dev.kappa.text.jinja;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** An expression. Every node knows the template line it begins on. */
sealed interface Expr {

  int line();

  record Literal(int line, Object value) implements Expr {}

  record Name(int line, String name) implements Expr {}

  record ListLiteral(int line, List<Expr> items) implements Expr {}

  record TupleLiteral(int line, List<Expr> items) implements Expr {}

  record DictLiteral(int line, List<Expr> keys, List<Expr> values) implements Expr {}

  /** {@code -}, {@code +} or {@code not}. */
  record Unary(int line, String operator, Expr operand) implements Expr {}

  /** Arithmetic. */
  record Binary(int line, String operator, Expr left, Expr right) implements Expr {}

  /** {@code and} or {@code or}: gives the operand that decides. */
  record Logical(int line, boolean and, Expr left, Expr right) implements Expr {}

  /** {@code ~}: strings joined. */
  record Concat(int line, List<Expr> parts) implements Expr {}

  /** A chain such as {@code 1 < x <= 3}; one operator fewer than operands. */
  record Comparison(int line, List<String> operators, List<Expr> operands) implements Expr {}

  /** {@code then if test else otherwise}. */
  record Conditional(int line, Expr test, Expr then, @Nullable Expr otherwise) implements Expr {}

  record Attribute(int line, Expr owner, String name) implements Expr {}

  record Item(int line, Expr owner, Expr key) implements Expr {}

  record Slice(int line, Expr owner, @Nullable Expr start, @Nullable Expr stop, @Nullable Expr step)
      implements Expr {}

  record Call(int line, Expr callee, CallArguments arguments) implements Expr {}

  record Filter(int line, Expr value, String name, CallArguments arguments) implements Expr {}

  record Test(int line, Expr value, String name, CallArguments arguments) implements Expr {}

  /** Arguments as written; {@code *list} and {@code **dict} or null. */
  record CallArguments(
      List<Expr> positional, Map<String, Expr> named, @Nullable Expr list, @Nullable Expr dict) {
    static final CallArguments NONE = new CallArguments(List.of(), Map.of(), null, null);

    boolean isEmpty() {
      return positional.isEmpty() && named.isEmpty() && list == null && dict == null;
    }
  }
}
