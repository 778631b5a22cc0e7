package dev.kappa.server.openai;

import dev.kappa.engine.EngineInfo;
import dev.kappa.grammar.Grammar;
import dev.kappa.grammar.Grammars;
import dev.kappa.grammar.Outline;
import dev.kappa.server.backend.InferenceBackend;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.JsonNodeFactory;

/**
 * The grammars that requests asked for last. A grammar remembers what outputs in it have come
 * across, so requests with the same one share it. Thread-safe.
 */
public final class GrammarCache {

  /** Any JSON object. */
  static final Outline ANY_OBJECT =
      new Outline.Json(JsonNodeFactory.instance.objectNode().put("type", "object"), "");

  private static final int MAX = 32;

  private final InferenceBackend backend;
  private final Map<Outline, Grammar> grammars = new LinkedHashMap<>(16, 0.75f, true);
  private @Nullable Grammars compiler;

  public GrammarCache(InferenceBackend backend) {
    this.backend = backend;
  }

  /**
   * The grammar of an outline.
   *
   * @throws dev.kappa.grammar.GrammarException if there is none
   */
  synchronized Grammar of(Outline outline) {
    Grammar known = grammars.get(outline);
    if (known != null) {
      return known;
    }
    Grammars maker = compiler;
    if (maker == null) {
      EngineInfo info = backend.info();
      maker = new Grammars(backend.tokenizer(), info.model().vocabularySize());
      compiler = maker;
    }
    Grammar made = maker.of(outline);
    grammars.put(outline, made);
    if (grammars.size() > MAX) {
      grammars.remove(grammars.keySet().iterator().next());
    }
    return made;
  }
}
