package dev.kappa.text.jinja;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** A statement, or text between tags. */
sealed interface Stmt {

  int line();

  record Data(int line, String text) implements Stmt {}

  record Output(int line, Expr value) implements Stmt {}

  /** Bodies with their tests in order; the {@code else} body is empty where there is none. */
  record If(int line, List<Expr> tests, List<List<Stmt>> bodies, List<Stmt> otherwise)
      implements Stmt {}

  record For(
      int line,
      Target target,
      Expr items,
      @Nullable Expr filter,
      List<Stmt> body,
      List<Stmt> otherwise)
      implements Stmt {}

  record Set(int line, Target target, Expr value) implements Stmt {}

  /** A {@code set} around text, which goes through the filters. */
  record SetBlock(int line, Target target, List<Stmt> body, List<Expr.Filter> filters)
      implements Stmt {}

  record Macro(int line, String name, MacroBody definition) implements Stmt {}

  /** {@code {% call(params) macro(...) %}…{% endcall %}}. */
  record CallBlock(int line, Expr.Call call, MacroBody body) implements Stmt {}

  record FilterBlock(int line, List<Expr.Filter> filters, List<Stmt> body) implements Stmt {}

  record With(int line, List<Target> targets, List<Expr> values, List<Stmt> body) implements Stmt {}

  /** A body with names of its own and no other effect, such as {@code generation}. */
  record Scoped(int line, List<Stmt> body) implements Stmt {}

  record Break(int line) implements Stmt {}

  record Continue(int line) implements Stmt {}

  /**
   * What a macro does.
   *
   * @param names that its body reads; only if {@code varargs}, {@code kwargs} or {@code caller} are
   *     among them does it take such arguments
   */
  record MacroBody(
      String name, List<Parameter> parameters, List<Stmt> body, java.util.Set<String> names) {}

  record Parameter(String name, @Nullable Expr defaultValue) {}

  /** What can be assigned to. */
  sealed interface Target {}

  record NameTarget(String name) implements Target {}

  record NamespaceTarget(String namespace, String attribute) implements Target {}

  record TupleTarget(List<Target> targets) implements Target {}
}
