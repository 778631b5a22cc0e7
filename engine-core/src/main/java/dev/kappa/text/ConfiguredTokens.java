package dev.kappa.text;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * The added tokens that a model directory's configuration names beside its {@code tokenizer.json},
 * by transformers' rules: {@code added_tokens_decoder} (without one, {@code added_tokens.json}) is
 * added in order of its ids and goes before what {@code tokenizer.json} says of the same token;
 * named and additional special tokens are added only where they are unknown.
 *
 * @param declared in order, with all their properties
 * @param special in order, to be added unless something by that text exists
 */
record ConfiguredTokens(List<AddedToken> declared, List<AddedToken> special) {

  private static final List<String> ROLES =
      List.of(
          "bos_token",
          "eos_token",
          "unk_token",
          "sep_token",
          "pad_token",
          "cls_token",
          "mask_token");

  private static final List<String> LISTS =
      List.of("additional_special_tokens", "extra_special_tokens");

  /**
   * Reads {@code tokenizer_config.json}, {@code special_tokens_map.json} and {@code
   * added_tokens.json} as far as they exist.
   *
   * @throws TextException if one cannot be read or is not JSON
   */
  static ConfiguredTokens load(Path modelDirectory) {
    JsonNode config = TokenizerConfig.readJson(modelDirectory.resolve("tokenizer_config.json"));
    JsonNode decoder = config.path("added_tokens_decoder");
    List<JsonNode> sources = new ArrayList<>(List.of(config));
    if (!decoder.isObject()) {
      sources.add(TokenizerConfig.readJson(modelDirectory.resolve("special_tokens_map.json")));
    }
    Map<String, AddedToken> special = specialTokens(sources);
    Map<Integer, AddedToken> declared = new TreeMap<>();
    if (decoder.isObject()) {
      decoder
          .properties()
          .forEach(entry -> declared.put(id(entry.getKey()), AddedToken.of(entry.getValue())));
    } else {
      JsonNode legacy = TokenizerConfig.readJson(modelDirectory.resolve("added_tokens.json"));
      for (Map.Entry<String, JsonNode> entry : legacy.properties()) {
        String content = entry.getKey();
        boolean isSpecial = special.containsKey(content);
        declared.put(
            entry.getValue().asInt(),
            new AddedToken(content, isSpecial, !isSpecial, false, false, false));
      }
    }
    return new ConfiguredTokens(List.copyOf(declared.values()), List.copyOf(special.values()));
  }

  /** The tokens to add to those of a vocabulary, or to put in their place. */
  List<AddedToken> missingFrom(Vocabulary vocabulary) {
    Set<String> contents = new HashSet<>();
    List<AddedToken> missing = new ArrayList<>();
    Set<String> roles = new HashSet<>();
    special.forEach(token -> roles.add(token.content()));
    for (AddedToken token : declared) {
      contents.add(token.content());
      AddedToken known = vocabulary.added(token.content());
      if (!token.equals(known) && !token.content().isEmpty()) {
        missing.add(roles.contains(token.content()) ? token.asSpecial() : token);
      }
    }
    for (AddedToken token : special) {
      if (vocabulary.added(token.content()) == null && contents.add(token.content())) {
        missing.add(token);
      }
    }
    return missing;
  }

  /** By content: those with a usual role, then those with another, then those in lists. */
  private static Map<String, AddedToken> specialTokens(List<JsonNode> sources) {
    Map<String, JsonNode> byRole = new LinkedHashMap<>();
    Map<String, AddedToken> tokens = new LinkedHashMap<>();
    for (JsonNode source : sources) {
      source
          .properties()
          .forEach(entry -> {
            if (entry.getKey().endsWith("_token")) {
              byRole.put(entry.getKey(), entry.getValue());
            }
          });
    }
    for (String role : ROLES) {
      put(tokens, byRole.remove(role));
    }
    byRole.values().forEach(value -> put(tokens, value));
    for (JsonNode source : sources) {
      for (String list : LISTS) {
        source.path(list).forEach(value -> put(tokens, value));
      }
    }
    return tokens;
  }

  private static void put(Map<String, AddedToken> tokens, @Nullable JsonNode value) {
    if (value == null) {
      return;
    }
    if (value.isString() && !value.asString().isEmpty()) {
      tokens.putIfAbsent(value.asString(), AddedToken.special(value.asString()));
    } else if (value.path("content").isString()) {
      AddedToken token = AddedToken.of(value).asSpecial();
      tokens.putIfAbsent(token.content(), token);
    }
  }

  private static int id(String text) {
    try {
      return Integer.parseInt(text);
    } catch (NumberFormatException e) {
      throw new TextException(
          "tokenizer_config.json: '%s' in added_tokens_decoder is no token id".formatted(text), e);
    }
  }
}
