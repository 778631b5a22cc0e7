package dev.kappa.text.jinja;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Runs statements. Confined to one rendering. */
final class Interpreter {

  /** How a statement ended. */
  private enum Flow {
    NEXT,
    BREAK,
    CONTINUE
  }

  private final Rendering rendering;
  private final Expressions expressions;

  Interpreter(Rendering rendering) {
    this.rendering = rendering;
    this.expressions = new Expressions(rendering);
  }

  /** Runs a body in a scope and gives what it prints. */
  String render(List<Stmt> body, Scope scope) {
    StringBuilder out = new StringBuilder();
    run(body, scope, out);
    return out.toString();
  }

  private Flow run(List<Stmt> body, Scope scope, StringBuilder out) {
    for (Stmt statement : body) {
      Flow flow = run(statement, scope, out);
      if (flow != Flow.NEXT) {
        return flow;
      }
    }
    return Flow.NEXT;
  }

  private Flow run(Stmt statement, Scope scope, StringBuilder out) {
    rendering.step(statement.line());
    switch (statement) {
      case Stmt.Data data -> print(data.text(), out);
      case Stmt.Output output ->
          print(rendering.str(expressions.evaluate(output.value(), scope)), out);
      case Stmt.If choice -> {
        return choose(choice, scope, out);
      }
      case Stmt.For loop -> loop(loop, scope, out);
      case Stmt.Set set -> assign(set.target(), expressions.evaluate(set.value(), scope), scope);
      case Stmt.SetBlock set ->
          assign(
              set.target(),
              filtered(set.filters(), render(set.body(), new Scope(scope)), scope),
              scope);
      case Stmt.Macro macro ->
          scope.set(macro.name(), new Macro(macro.definition(), scope, this, expressions));
      case Stmt.CallBlock block -> {
        Callable caller = new Macro(block.body(), scope, this, expressions);
        Object result = expressions.call(block.call(), scope, Map.of("caller", caller));
        print(rendering.str(result), out);
      }
      case Stmt.FilterBlock block -> {
        String text = render(block.body(), new Scope(scope));
        print(rendering.str(filtered(block.filters(), text, scope)), out);
      }
      case Stmt.With with -> with(with, scope, out);
      case Stmt.Scoped scoped -> run(scoped.body(), new Scope(scope), out);
      case Stmt.Break end -> {
        return Flow.BREAK;
      }
      case Stmt.Continue next -> {
        return Flow.CONTINUE;
      }
    }
    return Flow.NEXT;
  }

  private void print(String text, StringBuilder out) {
    rendering.budget().charge(text.length());
    out.append(text);
  }

  private Flow choose(Stmt.If choice, Scope scope, StringBuilder out) {
    for (int i = 0; i < choice.tests().size(); i++) {
      if (Values.isTrue(expressions.evaluate(choice.tests().get(i), scope))) {
        return run(choice.bodies().get(i), scope, out);
      }
    }
    return run(choice.otherwise(), scope, out);
  }

  private void loop(Stmt.For statement, Scope scope, StringBuilder out) {
    Object source = expressions.evaluate(statement.items(), scope);
    List<Object> items = rendering.operators().iterate(source);
    if (statement.filter() != null) {
      items = passing(items, statement.target(), statement.filter(), scope);
    }
    Loop loop = new Loop(items, rendering.operators());
    // Jinja's "else" runs unless some iteration came to its end, with break and continue or not.
    boolean completed = false;
    for (int i = 0; i < items.size(); i++) {
      rendering.step(statement.line());
      loop.moveTo(i);
      Scope inner = new Scope(scope);
      inner.set("loop", loop);
      assign(statement.target(), items.get(i), inner);
      Flow flow = run(statement.body(), inner, out);
      if (flow == Flow.BREAK) {
        break;
      }
      completed |= flow == Flow.NEXT;
    }
    if (!completed) {
      run(statement.otherwise(), new Scope(scope), out);
    }
  }

  private List<Object> passing(List<Object> items, Stmt.Target target, Expr test, Scope scope) {
    List<Object> passing = new ArrayList<>();
    for (Object item : items) {
      Scope inner = new Scope(scope);
      assign(target, item, inner);
      if (Values.isTrue(expressions.evaluate(test, inner))) {
        passing.add(item);
      }
    }
    return passing;
  }

  private void with(Stmt.With with, Scope scope, StringBuilder out) {
    Scope inner = new Scope(scope);
    for (int i = 0; i < with.targets().size(); i++) {
      assign(with.targets().get(i), expressions.evaluate(with.values().get(i), scope), inner);
    }
    run(with.body(), inner, out);
  }

  private Object filtered(List<Expr.Filter> filters, String text, Scope scope) {
    Object value = text;
    for (Expr.Filter filter : filters) {
      value = expressions.filter(filter, value, scope);
    }
    return value;
  }

  private void assign(Stmt.Target target, Object value, Scope scope) {
    switch (target) {
      case Stmt.NameTarget name -> scope.set(name.name(), value);
      case Stmt.NamespaceTarget name -> {
        if (!(scope.get(name.namespace()) instanceof Namespace namespace)) {
          throw new JinjaException(
              "cannot assign an attribute of '%s', which is no namespace"
                  .formatted(name.namespace()));
        }
        namespace.set(name.attribute(), value);
      }
      case Stmt.TupleTarget tuple -> {
        List<Object> items = rendering.operators().iterate(value);
        if (items.size() != tuple.targets().size()) {
          throw new JinjaException(
              "%d values cannot be unpacked into %d names"
                  .formatted(items.size(), tuple.targets().size()));
        }
        for (int i = 0; i < items.size(); i++) {
          assign(tuple.targets().get(i), items.get(i), scope);
        }
      }
    }
  }
}
