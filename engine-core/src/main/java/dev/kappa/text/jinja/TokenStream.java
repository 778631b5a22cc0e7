package dev.kappa.text.jinja;

import dev.kappa.text.jinja.Token.Kind;
import java.util.List;

/** The tokens of a template with a position, for the parsers. */
final class TokenStream {

  private final List<Token> tokens;
  private int at;

  TokenStream(List<Token> tokens) {
    this.tokens = tokens;
  }

  Token current() {
    return tokens.get(at);
  }

  Token next() {
    return tokens.get(Math.min(at + 1, tokens.size() - 1));
  }

  int line() {
    return current().line();
  }

  Token advance() {
    Token token = current();
    if (token.kind() != Kind.END) {
      at++;
    }
    return token;
  }

  boolean skipOperator(String text) {
    boolean found = current().isOperator(text);
    if (found) {
      at++;
    }
    return found;
  }

  boolean skipName(String text) {
    boolean found = current().isName(text);
    if (found) {
      at++;
    }
    return found;
  }

  void expectOperator(String text) {
    if (!skipOperator(text)) {
      throw unexpected("'" + text + "'");
    }
  }

  void expectName(String text) {
    if (!skipName(text)) {
      throw unexpected("'" + text + "'");
    }
  }

  Token expect(Kind kind, String what) {
    if (current().kind() != kind) {
      throw unexpected(what);
    }
    return advance();
  }

  JinjaException unexpected(String wanted) {
    return new JinjaException(line(), "%s where %s was expected".formatted(current(), wanted));
  }
}
