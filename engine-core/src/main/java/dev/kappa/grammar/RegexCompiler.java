package dev.kappa.grammar;

/** Turns expressions into parts of a network that write what they match in a JSON string. */
final class RegexCompiler {

  private final NetworkBuilder builder;
  private final JsonRules json;

  RegexCompiler(NetworkBuilder builder, JsonRules json) {
    this.builder = builder;
    this.json = json;
  }

  /**
   * Adds a string, quotes included, that consists of what an expression matches.
   *
   * @throws GrammarException if that takes too many states
   */
  int string(int from, Regex regex) {
    return builder.any(compile(builder.any(from, "\""), regex), "\"");
  }

  private int compile(int from, Regex regex) {
    switch (regex) {
      case Regex.Characters characters -> {
        int end = builder.state();
        json.characters(from, characters.points(), end);
        return end;
      }
      case Regex.Sequence sequence -> {
        int at = from;
        for (Regex part : sequence.parts()) {
          at = compile(at, part);
        }
        return at;
      }
      case Regex.Choice choice -> {
        int end = builder.state();
        for (Regex option : choice.options()) {
          builder.epsilon(compile(from, option), end);
        }
        return end;
      }
      case Regex.Repeated repeated -> {
        return repeated(from, repeated);
      }
    }
  }

  private int repeated(int from, Regex.Repeated repeated) {
    int at = from;
    for (int i = 0; i < repeated.from(); i++) {
      at = compile(at, repeated.part());
    }
    if (repeated.to() == Regex.ENDLESS) {
      int loop = builder.state();
      builder.epsilon(at, loop);
      builder.epsilon(compile(loop, repeated.part()), loop);
      return loop;
    }
    int end = builder.state();
    for (int i = repeated.from(); i < repeated.to(); i++) {
      builder.epsilon(at, end);
      at = compile(at, repeated.part());
    }
    builder.epsilon(at, end);
    return end;
  }
}
