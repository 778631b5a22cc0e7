package dev.kappa.text.jinja;

import java.time.Clock;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A parsed template. Immutable and thread-safe. */
public final class Template {

  private final List<Stmt> body;

  private Template(List<Stmt> body) {
    this.body = body;
  }

  /**
   * Parses a template.
   *
   * @throws JinjaException if it is not well-formed, naming the line
   */
  public static Template parse(String source) {
    try {
      return new Template(Parser.parse(source));
    } catch (StackOverflowError e) {
      throw new JinjaException("the template's expressions nest too deeply");
    }
  }

  /**
   * Renders the template.
   *
   * @param variables null, Boolean, Number, String, List and Map, nested as needed; copied first
   * @param clock what {@code strftime_now} tells
   * @param maxWork bound of the work: characters gone through or made count one each, evaluated
   *     nodes ten, list items made twenty
   * @throws dev.kappa.text.TemplateRejection if the template calls {@code raise_exception}
   * @throws JinjaException if it fails otherwise or exceeds the bound, naming the line
   */
  public String render(
      Map<String, ? extends @Nullable Object> variables, Clock clock, long maxWork) {
    Rendering rendering = new Rendering(new Budget(maxWork), clock);
    Scope globals = Globals.scope(rendering);
    variables.forEach((name, value) -> globals.set(name, Values.of(value)));
    try {
      return new Interpreter(rendering).render(body, new Scope(globals));
    } catch (JinjaException e) {
      throw new JinjaException(rendering.line(), e);
    } catch (StackOverflowError e) {
      throw new JinjaException(rendering.line(), "calls or values nest too deeply");
    }
  }
}
