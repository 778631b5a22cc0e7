package dev.kappa.text.jinja;

import dev.kappa.text.jinja.Token.Kind;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Parses what follows a value: attributes, items, slices, calls, filters and tests. */
final class PostfixParser {

  private final TokenStream tokens;
  private final ExpressionParser expressions;

  PostfixParser(TokenStream tokens, ExpressionParser expressions) {
    this.tokens = tokens;
    this.expressions = expressions;
  }

  /** {@code .name}, {@code [key]} and {@code (arguments)}, as often as they follow. */
  Expr members(Expr value) {
    Expr result = value;
    while (true) {
      int line = tokens.line();
      if (tokens.skipOperator(".")) {
        if (tokens.current().kind() == Kind.INTEGER) {
          long index = Long.parseLong(tokens.advance().text());
          result = new Expr.Item(line, result, new Expr.Literal(line, index));
        } else {
          String name = tokens.expect(Kind.NAME, "an attribute").text();
          result = new Expr.Attribute(line, result, name);
        }
      } else if (tokens.skipOperator("[")) {
        result = itemOrSlice(line, result);
      } else if (tokens.skipOperator("(")) {
        result = new Expr.Call(line, result, expressions.arguments());
      } else {
        return result;
      }
    }
  }

  private Expr itemOrSlice(int line, Expr owner) {
    @Nullable Expr start = tokens.current().isOperator(":") ? null : expressions.tuple(true);
    if (start != null && tokens.skipOperator("]")) {
      return new Expr.Item(line, owner, start);
    }
    tokens.expectOperator(":");
    @Nullable Expr stop = sliceEnds() ? null : expressions.expression();
    @Nullable Expr step = null;
    if (tokens.skipOperator(":") && !sliceEnds()) {
      step = expressions.expression();
    }
    tokens.expectOperator("]");
    return new Expr.Slice(line, owner, start, stop, step);
  }

  private boolean sliceEnds() {
    return tokens.current().isOperator(":") || tokens.current().isOperator("]");
  }

  /** {@code | filter}, {@code is test} and calls of their results, as often as they follow. */
  Expr filtersAndTests(Expr value) {
    Expr result = value;
    while (true) {
      int line = tokens.line();
      if (tokens.current().isOperator("|")) {
        result = filter(result);
      } else if (tokens.skipName("is")) {
        result = test(line, result);
      } else if (tokens.skipOperator("(")) {
        result = new Expr.Call(line, result, expressions.arguments());
      } else {
        return result;
      }
    }
  }

  /** {@code | name(arguments)}. */
  Expr.Filter filter(Expr value) {
    tokens.expectOperator("|");
    return namedFilter(value);
  }

  /** As {@link #filter} without the bar. */
  Expr.Filter namedFilter(Expr value) {
    Token name = tokens.expect(Kind.NAME, "a filter");
    if (!Filters.exists(name.text())) {
      throw new JinjaException(name.line(), "no filter named '" + name.text() + "'");
    }
    Expr.CallArguments arguments =
        tokens.skipOperator("(") ? expressions.arguments() : Expr.CallArguments.NONE;
    return new Expr.Filter(name.line(), value, name.text(), arguments);
  }

  private Expr test(int line, Expr value) {
    boolean negated = tokens.skipName("not");
    Token name = tokens.advance();
    if (name.kind() != Kind.NAME || !Tests.exists(name.text())) {
      throw new JinjaException(line, "no test named " + name);
    }
    Expr.CallArguments arguments = Expr.CallArguments.NONE;
    if (tokens.skipOperator("(")) {
      arguments = expressions.arguments();
    } else if (expressions.testArgumentFollows()) {
      Expr argument = members(expressions.primary());
      arguments = new Expr.CallArguments(List.of(argument), Map.of(), null, null);
    }
    Expr test = new Expr.Test(line, value, name.text(), arguments);
    return negated ? new Expr.Unary(line, "not", test) : test;
  }
}
