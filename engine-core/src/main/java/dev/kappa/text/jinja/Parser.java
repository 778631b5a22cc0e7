package dev.kappa.text.jinja;

import dev.kappa.text.jinja.Stmt.Parameter;
import dev.kappa.text.jinja.Stmt.Target;
import dev.kappa.text.jinja.Token.Kind;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Parses statements. Used once. */
final class Parser {

  private final TokenStream tokens;
  private final ExpressionParser expressions;
  private int loops;

  /** The tag that ended the last body. */
  private String lastTag = "";

  private Parser(String source) {
    tokens = new TokenStream(Lexer.lex(source));
    expressions = new ExpressionParser(tokens);
  }

  /**
   * Parses a template.
   *
   * @throws JinjaException if it is not well-formed, or uses a filter, test or tag that is unknown
   */
  static List<Stmt> parse(String source) {
    return new Parser(source).body(Set.of());
  }

  /** Statements up to a tag with one of the given names, of which the name is the next token. */
  private List<Stmt> body(Set<String> ends) {
    List<Stmt> body = new ArrayList<>();
    int opened = tokens.line();
    while (true) {
      Token token = tokens.current();
      switch (token.kind()) {
        case DATA -> body.add(new Stmt.Data(token.line(), tokens.advance().text()));
        case VARIABLE_BEGIN -> {
          tokens.advance();
          body.add(new Stmt.Output(token.line(), expressions.tuple(true)));
          tokens.expect(Kind.VARIABLE_END, "'}}'");
        }
        case BLOCK_BEGIN -> {
          tokens.advance();
          Token name = tokens.expect(Kind.NAME, "a tag name");
          if (ends.contains(name.text())) {
            lastTag = name.text();
            return body;
          }
          body.add(statement(name));
        }
        default -> {
          if (!ends.isEmpty()) {
            throw new JinjaException(
                opened, "no '%s' before the end of the template".formatted(wanted(ends)));
          }
          return body;
        }
      }
    }
  }

  private static String wanted(Set<String> ends) {
    return ends.stream().filter(end -> end.startsWith("end")).findFirst().orElse("end");
  }

  /** Statements of a block to its end tag, which is read as well. */
  private List<Stmt> block(String end) {
    bodyBegin();
    List<Stmt> body = body(Set.of(end));
    blockEnd();
    return body;
  }

  /** A tag that a body follows may end with a colon. */
  private void bodyBegin() {
    tokens.skipOperator(":");
    blockEnd();
  }

  private void blockEnd() {
    tokens.expect(Kind.BLOCK_END, "'%}'");
  }

  private Stmt statement(Token tag) {
    int line = tag.line();
    return switch (tag.text()) {
      case "if" -> ifStatement(line);
      case "for" -> forStatement(line);
      case "set" -> setStatement(line);
      case "macro" -> {
        String name = tokens.expect(Kind.NAME, "a macro name").text();
        tokens.expectOperator("(");
        yield new Stmt.Macro(line, name, macroBody(name, parameters(), "endmacro"));
      }
      case "call" -> callBlock(line);
      case "filter" -> {
        List<Expr.Filter> filters = filters(true);
        yield new Stmt.FilterBlock(line, filters, block("endfilter"));
      }
      case "with" -> with(line);
      case "generation" -> new Stmt.Scoped(line, outsideLoops("endgeneration"));
      case "break", "continue" -> {
        if (loops == 0) {
          throw new JinjaException(line, "'" + tag.text() + "' outside of a loop");
        }
        blockEnd();
        yield tag.text().equals("break") ? new Stmt.Break(line) : new Stmt.Continue(line);
      }
      default -> throw new JinjaException(line, "unknown tag '" + tag.text() + "'");
    };
  }

  private Stmt.MacroBody macroBody(String name, List<Parameter> parameters, String end) {
    Set<String> before = expressions.takeNames();
    List<Stmt> body = outsideLoops(end);
    return new Stmt.MacroBody(name, parameters, body, expressions.names(before));
  }

  /** Macro bodies run apart from the loop they stand in. */
  private List<Stmt> outsideLoops(String end) {
    int outer = loops;
    loops = 0;
    List<Stmt> body = block(end);
    loops = outer;
    return body;
  }

  private Stmt ifStatement(int line) {
    List<Expr> tests = new ArrayList<>();
    List<List<Stmt>> bodies = new ArrayList<>();
    List<Stmt> otherwise = List.of();
    tests.add(expressions.tuple(true));
    while (true) {
      bodyBegin();
      bodies.add(body(Set.of("elif", "else", "endif")));
      if (lastTag.equals("elif")) {
        tests.add(expressions.tuple(true));
        continue;
      }
      if (lastTag.equals("else")) {
        otherwise = block("endif");
      } else {
        blockEnd();
      }
      return new Stmt.If(line, tests, bodies, otherwise);
    }
  }

  private Stmt forStatement(int line) {
    Target target = targets();
    tokens.expectName("in");
    Expr items = expressions.tuple(false);
    @Nullable Expr filter = tokens.skipName("if") ? expressions.expression() : null;
    if (tokens.current().isName("recursive")) {
      throw new JinjaException(line, "recursive loops are not supported");
    }
    loops++;
    bodyBegin();
    List<Stmt> body = body(Set.of("else", "endfor"));
    loops--;
    List<Stmt> otherwise = List.of();
    if (lastTag.equals("else")) {
      otherwise = block("endfor");
    } else {
      blockEnd();
    }
    return new Stmt.For(line, target, items, filter, body, otherwise);
  }

  private Stmt setStatement(int line) {
    Target target = targets();
    if (tokens.skipOperator("=")) {
      Expr value = expressions.tuple(true);
      blockEnd();
      return new Stmt.Set(line, target, value);
    }
    List<Expr.Filter> filters = filters(false);
    return new Stmt.SetBlock(line, target, block("endset"), filters);
  }

  private Stmt callBlock(int line) {
    List<Parameter> parameters = tokens.skipOperator("(") ? parameters() : List.of();
    if (!(expressions.expression() instanceof Expr.Call call)) {
      throw new JinjaException(line, "'call' needs a call");
    }
    return new Stmt.CallBlock(line, call, macroBody("caller", parameters, "endcall"));
  }

  private Stmt with(int line) {
    List<Target> targets = new ArrayList<>();
    List<Expr> values = new ArrayList<>();
    while (tokens.current().kind() != Kind.BLOCK_END) {
      if (!targets.isEmpty()) {
        tokens.expectOperator(",");
      }
      targets.add(target());
      tokens.expectOperator("=");
      values.add(expressions.expression());
    }
    return new Stmt.With(line, targets, values, block("endwith"));
  }

  /** Filters in order of application; each is applied to the text before it. */
  private List<Expr.Filter> filters(boolean startsWithName) {
    List<Expr.Filter> filters = new ArrayList<>();
    Expr text = new Expr.Literal(tokens.line(), "");
    if (startsWithName) {
      filters.add(expressions.postfix().namedFilter(text));
    }
    while (tokens.current().isOperator("|")) {
      filters.add(expressions.postfix().filter(text));
    }
    return filters;
  }

  /** Parameters of a macro, the opening parenthesis already read. */
  private List<Parameter> parameters() {
    List<Parameter> parameters = new ArrayList<>();
    while (!tokens.skipOperator(")")) {
      if (!parameters.isEmpty()) {
        tokens.expectOperator(",");
      }
      String name = tokens.expect(Kind.NAME, "a parameter").text();
      @Nullable Expr value = tokens.skipOperator("=") ? expressions.expression() : null;
      if (value == null && !parameters.isEmpty() && parameters.getLast().defaultValue() != null) {
        throw new JinjaException(
            tokens.line(), "parameter '%s' without default after one with".formatted(name));
      }
      parameters.add(new Parameter(name, value));
    }
    return parameters;
  }

  private Target targets() {
    Target first = target();
    if (!tokens.current().isOperator(",")) {
      return first;
    }
    List<Target> targets = new ArrayList<>(List.of(first));
    while (tokens.skipOperator(",")) {
      Token token = tokens.current();
      if (token.isName("in") || !(token.kind() == Kind.NAME || token.isOperator("("))) {
        break;
      }
      targets.add(target());
    }
    return new Stmt.TupleTarget(targets);
  }

  private Target target() {
    if (tokens.skipOperator("(")) {
      Target inner = targets();
      tokens.expectOperator(")");
      return inner;
    }
    String name = tokens.expect(Kind.NAME, "a name to assign to").text();
    if (tokens.skipOperator(".")) {
      return new Stmt.NamespaceTarget(name, tokens.expect(Kind.NAME, "an attribute").text());
    }
    return new Stmt.NameTarget(name);
  }
}
