package dev.kappa.grammar;

import org.jspecify.annotations.Nullable;

/** Turns schemas of strings into parts of a network. Not thread-safe. */
final class StringCompiler {

  private final JsonRules json;
  private final RegexCompiler expressions;

  StringCompiler(NetworkBuilder builder, JsonRules json) {
    this.json = json;
    expressions = new RegexCompiler(builder, json);
  }

  int compile(int from, SchemaNode node) {
    int least = node.count("minLength", 0);
    int most = node.count("maxLength", -1);
    if (most >= 0 && most < least) {
      throw node.error("maxLength", "maxLength must not be below minLength");
    }
    Regex pattern = pattern(node);
    Regex format = format(node);
    if (pattern != null && format != null) {
      throw node.error("format", "this format is not supported beside pattern");
    }
    Regex regex = pattern == null ? format : pattern;
    if (regex == null) {
      return json.string(from, least, most);
    }
    String by = pattern == null ? "format" : "pattern";
    if (regex.least() < least) {
      throw node.error("minLength", "minLength is not supported beside a shorter " + by);
    }
    if (most >= 0 && regex.most() > most) {
      throw node.error("maxLength", "maxLength is not supported beside a longer " + by);
    }
    return expressions.string(from, regex);
  }

  private static @Nullable Regex pattern(SchemaNode node) {
    String text = node.string("pattern");
    try {
      return text == null ? null : RegexParser.parse(text);
    } catch (RegexParser.UnsupportedRegexException e) {
      throw node.error("pattern", "pattern: " + e.getMessage());
    }
  }

  private static @Nullable Regex format(SchemaNode node) {
    String name = node.string("format");
    return name == null ? null : Formats.of(name);
  }
}
