package dev.kappa.grammar;

import dev.kappa.text.Tokenizer;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.JsonNodeFactory;

/** Makes grammars over one vocabulary. Thread-safe. */
public final class Grammars {

  private final TokenTrie trie;
  private final MaskCache masks;

  /**
   * Sorts the vocabulary, which takes a while.
   *
   * @param vocabularySize ids that the model knows
   */
  public Grammars(Tokenizer tokenizer, int vocabularySize) {
    trie = new TokenTrie(tokenizer, vocabularySize);
    masks = new MaskCache(trie);
  }

  /** Any JSON object. */
  public Grammar json() {
    return schema(JsonNodeFactory.instance.objectNode().put("type", "object"));
  }

  /**
   * JSON of a schema.
   *
   * @throws GrammarException if the schema has a keyword that is not supported, or nothing
   *     satisfies it
   */
  public Grammar schema(JsonNode schema) {
    return of(new Outline.Json(schema, ""));
  }

  /**
   * Texts of an outline.
   *
   * @throws GrammarException as {@link #schema} does; paths begin with that of the schema at fault
   */
  public Grammar of(Outline outline) {
    NetworkBuilder builder = new NetworkBuilder(trie.alphabet());
    NetworkBuilder.Rule root = builder.rule();
    JsonRules json = new JsonRules(builder);
    builder.epsilon(add(builder, json, root.start(), outline), root.end());
    Automaton automaton = new Automaton(builder.build(root));
    if (automaton.start() == Automaton.NOWHERE) {
      throw new GrammarException("", "no JSON that the model can write satisfies the schema");
    }
    return new Grammar(automaton, trie, masks);
  }

  private static int add(NetworkBuilder builder, JsonRules json, int from, Outline outline) {
    switch (outline) {
      case Outline.Text text -> {
        return builder.literal(from, text.text());
      }
      case Outline.Json value -> {
        try {
          return new SchemaCompiler(builder, json, value.schema()).compile(json.lead(from));
        } catch (GrammarException e) {
          throw e.within(value.path());
        }
      }
      case Outline.Sequence sequence -> {
        int at = from;
        for (Outline part : sequence.parts()) {
          at = add(builder, json, at, part);
        }
        return at;
      }
      case Outline.Choice choice -> {
        int end = builder.state();
        for (Outline option : choice.options()) {
          builder.epsilon(add(builder, json, from, option), end);
        }
        return end;
      }
      case Outline.Repeated repeated -> {
        int part = builder.state();
        builder.epsilon(from, part);
        int end = add(builder, json, part, repeated.part());
        builder.epsilon(builder.literal(end, repeated.separator()), part);
        return end;
      }
    }
  }
}
