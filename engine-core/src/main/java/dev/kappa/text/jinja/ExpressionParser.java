package dev.kappa.text.jinja;

import dev.kappa.text.jinja.Token.Kind;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Parses expressions by recursive descent. Precedence, from loose to tight: conditional, {@code
 * or}, {@code and}, {@code not}, comparison, {@code + -}, {@code ~}, {@code * / // %}, {@code **},
 * sign, then attribute, item and call, filter and test.
 */
final class ExpressionParser {

  private static final Set<String> COMPARISONS = Set.of("==", "!=", "<", "<=", ">", ">=");
  private static final Set<String> NO_TEST_ARGUMENT = Set.of("else", "or", "and", "is", "in", "if");

  private final TokenStream tokens;
  private final PostfixParser postfix;

  /** The names that occurred. */
  private Set<String> names = new HashSet<>();

  ExpressionParser(TokenStream tokens) {
    this.tokens = tokens;
    this.postfix = new PostfixParser(tokens, this);
  }

  /** Forgets the names that occurred so far, and gives them to {@link #names(Set)}. */
  Set<String> takeNames() {
    Set<String> before = names;
    names = new HashSet<>();
    return before;
  }

  /** The names that occurred since {@link #takeNames}, which gave those before. */
  Set<String> names(Set<String> before) {
    Set<String> since = names;
    names = new HashSet<>(before);
    names.addAll(since);
    return since;
  }

  PostfixParser postfix() {
    return postfix;
  }

  /** One expression, conditional included. */
  Expr expression() {
    Expr then = or();
    while (tokens.current().isName("if")) {
      int line = tokens.advance().line();
      Expr test = or();
      Expr otherwise = tokens.skipName("else") ? expression() : null;
      then = new Expr.Conditional(line, test, then, otherwise);
    }
    return then;
  }

  /** One expression, or several with commas between, which make a tuple. */
  Expr tuple(boolean conditional) {
    int line = tokens.line();
    Expr first = conditional ? expression() : or();
    if (!tokens.current().isOperator(",")) {
      return first;
    }
    List<Expr> items = new ArrayList<>(List.of(first));
    while (tokens.skipOperator(",")) {
      if (endsTuple()) {
        break;
      }
      items.add(conditional ? expression() : or());
    }
    return new Expr.TupleLiteral(line, items);
  }

  private boolean endsTuple() {
    Token token = tokens.current();
    return token.kind() == Kind.VARIABLE_END
        || token.kind() == Kind.BLOCK_END
        || token.isOperator(")")
        || token.isName("in");
  }

  Expr or() {
    Expr left = and();
    while (tokens.current().isName("or")) {
      left = new Expr.Logical(tokens.advance().line(), false, left, and());
    }
    return left;
  }

  private Expr and() {
    Expr left = not();
    while (tokens.current().isName("and")) {
      left = new Expr.Logical(tokens.advance().line(), true, left, not());
    }
    return left;
  }

  private Expr not() {
    if (tokens.current().isName("not")) {
      return new Expr.Unary(tokens.advance().line(), "not", not());
    }
    return comparison();
  }

  private Expr comparison() {
    int line = tokens.line();
    Expr first = sum();
    List<String> operators = new ArrayList<>();
    List<Expr> operands = new ArrayList<>(List.of(first));
    while (true) {
      Token token = tokens.current();
      if (token.kind() == Kind.OPERATOR && COMPARISONS.contains(token.text())) {
        operators.add(tokens.advance().text());
      } else if (token.isName("in")) {
        operators.add(tokens.advance().text());
      } else if (token.isName("not") && tokens.next().isName("in")) {
        tokens.advance();
        tokens.advance();
        operators.add("not in");
      } else {
        return operators.isEmpty() ? first : new Expr.Comparison(line, operators, operands);
      }
      operands.add(sum());
    }
  }

  private Expr sum() {
    Expr left = concat();
    while (tokens.current().isOperator("+") || tokens.current().isOperator("-")) {
      Token operator = tokens.advance();
      left = new Expr.Binary(operator.line(), operator.text(), left, concat());
    }
    return left;
  }

  private Expr concat() {
    int line = tokens.line();
    Expr first = product();
    if (!tokens.current().isOperator("~")) {
      return first;
    }
    List<Expr> parts = new ArrayList<>(List.of(first));
    while (tokens.skipOperator("~")) {
      parts.add(product());
    }
    return new Expr.Concat(line, parts);
  }

  private Expr product() {
    Expr left = power();
    while (tokens.current().kind() == Kind.OPERATOR
        && Set.of("*", "/", "//", "%").contains(tokens.current().text())) {
      Token operator = tokens.advance();
      left = new Expr.Binary(operator.line(), operator.text(), left, power());
    }
    return left;
  }

  private Expr power() {
    Expr left = unary(true);
    while (tokens.current().isOperator("**")) {
      left = new Expr.Binary(tokens.advance().line(), "**", left, unary(true));
    }
    return left;
  }

  private Expr unary(boolean filters) {
    Expr value;
    if (tokens.current().isOperator("-") || tokens.current().isOperator("+")) {
      Token sign = tokens.advance();
      value = new Expr.Unary(sign.line(), sign.text(), unary(false));
    } else {
      value = postfix.members(primary());
    }
    return filters ? postfix.filtersAndTests(value) : value;
  }

  Expr primary() {
    Token token = tokens.current();
    return switch (token.kind()) {
      case NAME -> name(tokens.advance());
      case INTEGER -> new Expr.Literal(token.line(), integer(tokens.advance()));
      case FLOAT -> new Expr.Literal(token.line(), Double.valueOf(tokens.advance().text()));
      case STRING -> {
        StringBuilder text = new StringBuilder();
        while (tokens.current().kind() == Kind.STRING) {
          text.append(tokens.advance().text());
        }
        yield new Expr.Literal(token.line(), text.toString());
      }
      default -> bracketed();
    };
  }

  private Expr name(Token token) {
    names.add(token.text());
    return switch (token.text()) {
      case "true", "True" -> new Expr.Literal(token.line(), true);
      case "false", "False" -> new Expr.Literal(token.line(), false);
      case "none", "None" -> new Expr.Literal(token.line(), None.NONE);
      default -> new Expr.Name(token.line(), token.text());
    };
  }

  private static Long integer(Token token) {
    String text = token.text();
    boolean prefixed = text.length() > 1 && Character.isLetter(text.charAt(1));
    int radix =
        !prefixed
            ? 10
            : switch (Character.toLowerCase(text.charAt(1))) {
              case 'x' -> 16;
              case 'o' -> 8;
              default -> 2;
            };
    BigInteger value = new BigInteger(prefixed ? text.substring(2) : text, radix);
    if (value.bitLength() > 63) {
      throw new JinjaException(token.line(), "integer of more than 64 bits");
    }
    return value.longValue();
  }

  private Expr bracketed() {
    int line = tokens.line();
    if (tokens.skipOperator("(")) {
      if (tokens.skipOperator(")")) {
        return new Expr.TupleLiteral(line, List.of());
      }
      Expr inner = tuple(true);
      tokens.expectOperator(")");
      return inner;
    }
    if (tokens.skipOperator("[")) {
      return new Expr.ListLiteral(line, items("]"));
    }
    if (tokens.skipOperator("{")) {
      return dict(line);
    }
    throw tokens.unexpected("an expression");
  }

  private List<Expr> items(String close) {
    List<Expr> items = new ArrayList<>();
    while (!tokens.skipOperator(close)) {
      if (!items.isEmpty()) {
        tokens.expectOperator(",");
        if (tokens.skipOperator(close)) {
          break;
        }
      }
      items.add(expression());
    }
    return items;
  }

  private Expr dict(int line) {
    List<Expr> keys = new ArrayList<>();
    List<Expr> values = new ArrayList<>();
    while (!tokens.skipOperator("}")) {
      if (!keys.isEmpty()) {
        tokens.expectOperator(",");
        if (tokens.skipOperator("}")) {
          break;
        }
      }
      keys.add(expression());
      tokens.expectOperator(":");
      values.add(expression());
    }
    return new Expr.DictLiteral(line, keys, values);
  }

  /** Arguments in parentheses, the opening one already read. */
  Expr.CallArguments arguments() {
    List<Expr> positional = new ArrayList<>();
    Map<String, Expr> named = new LinkedHashMap<>();
    @Nullable Expr list = null;
    @Nullable Expr dict = null;
    boolean first = true;
    while (!tokens.skipOperator(")")) {
      if (!first) {
        tokens.expectOperator(",");
        if (tokens.skipOperator(")")) {
          break;
        }
      }
      first = false;
      if (tokens.skipOperator("*")) {
        list = expression();
      } else if (tokens.skipOperator("**")) {
        dict = expression();
      } else if (tokens.current().kind() == Kind.NAME && tokens.next().isOperator("=")) {
        String name = tokens.advance().text();
        tokens.advance();
        named.put(name, expression());
      } else if (named.isEmpty() && dict == null) {
        positional.add(expression());
      } else {
        throw new JinjaException(tokens.line(), "positional argument after a named one");
      }
    }
    return new Expr.CallArguments(positional, named, list, dict);
  }

  /** Whether the argument of a test follows without parentheses. */
  boolean testArgumentFollows() {
    Token token = tokens.current();
    return switch (token.kind()) {
      case NAME -> !NO_TEST_ARGUMENT.contains(token.text()) && !token.isName("not");
      case STRING, INTEGER, FLOAT -> true;
      case OPERATOR -> token.isOperator("[") || token.isOperator("{");
      default -> false;
    };
  }
}
