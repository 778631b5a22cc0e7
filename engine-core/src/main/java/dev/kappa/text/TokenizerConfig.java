package dev.kappa.text;

import dev.kappa.gguf.GgufException;
import dev.kappa.gguf.GgufFile;
import dev.kappa.gguf.GgufMetadata;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * What a model directory says about its special tokens and chat templates.
 *
 * @param specialTokens by role, for example {@code bos_token}, in the text of their entry
 * @param chatTemplates template sources by name; the usual one is {@code default}
 */
public record TokenizerConfig(
    Map<String, String> specialTokens, Map<String, String> chatTemplates) {

  /** The name of the template for ordinary conversations. */
  public static final String DEFAULT_TEMPLATE = "default";

  private static final JsonMapper JSON = JsonMapper.builder().build();

  public TokenizerConfig {
    specialTokens = Map.copyOf(specialTokens);
    chatTemplates = Map.copyOf(chatTemplates);
  }

  /**
   * Reads {@code tokenizer_config.json}, {@code special_tokens_map.json}, {@code
   * chat_template.jinja}, {@code chat_template.json} and {@code additional_chat_templates} as far
   * as they exist. Template files go before templates in the configuration. As in transformers, the
   * map goes before the configuration, and counts only if that has no {@code added_tokens_decoder}.
   * Of a GGUF file it reads the metadata.
   *
   * @throws TextException if a file cannot be read or is not JSON
   */
  public static TokenizerConfig load(Path modelDirectory) {
    if (GgufFile.isNamedSo(modelDirectory)) {
      return readGguf(modelDirectory, GgufTokenizer::config);
    }
    Map<String, String> tokens = new LinkedHashMap<>();
    Map<String, String> templates = new LinkedHashMap<>();
    JsonNode config = readJson(modelDirectory.resolve("tokenizer_config.json"));
    putTokens(tokens, config);
    if (!config.path("added_tokens_decoder").isObject()) {
      putTokens(tokens, readJson(modelDirectory.resolve("special_tokens_map.json")));
    }
    putTemplates(templates, config.path("chat_template"));
    JsonNode legacy = readJson(modelDirectory.resolve("chat_template.json"));
    putTemplates(templates, legacy.path("chat_template"));
    String template = readText(modelDirectory.resolve("chat_template.jinja"));
    if (template != null) {
      templates.put(DEFAULT_TEMPLATE, template);
    }
    readAdditional(modelDirectory.resolve("additional_chat_templates"), templates);
    return new TokenizerConfig(tokens, templates);
  }

  /** What the metadata of a GGUF file amount to. */
  static <T> T readGguf(Path file, Function<GgufMetadata, T> reader) {
    try (Arena arena = Arena.ofConfined()) {
      return reader.apply(GgufFile.map(file, arena).metadata());
    } catch (GgufException e) {
      throw new TextException(String.valueOf(e.getMessage()), e);
    }
  }

  /** A special token by role, such as {@code bos_token}. */
  public @Nullable String specialToken(String role) {
    return specialTokens.get(role);
  }

  private static void putTokens(Map<String, String> tokens, JsonNode source) {
    for (Map.Entry<String, JsonNode> entry : source.properties()) {
      JsonNode value = entry.getValue();
      JsonNode content = value.isString() ? value : value.path("content");
      if (entry.getKey().endsWith("_token") && content.isString()) {
        tokens.put(entry.getKey(), content.asString());
      }
    }
  }

  /** One template, or a list of named ones. */
  private static void putTemplates(Map<String, String> templates, JsonNode value) {
    if (value.isString()) {
      templates.put(DEFAULT_TEMPLATE, value.asString());
    }
    if (value.isArray()) {
      value.forEach(named ->
          templates.put(named.path("name").asString(""), named.path("template").asString("")));
    }
  }

  private static void readAdditional(Path directory, Map<String, String> templates) {
    if (!Files.isDirectory(directory)) {
      return;
    }
    try (var files = Files.newDirectoryStream(directory, "*.jinja")) {
      for (Path file : files) {
        String name = file.getFileName().toString().replaceFirst("\\.jinja$", "");
        templates.put(name, Files.readString(file));
      }
    } catch (IOException e) {
      throw new TextException(directory + " cannot be read: " + e.getMessage(), e);
    }
  }

  /** A file's content, an empty object where there is none. */
  static JsonNode readJson(Path file) {
    String text = readText(file);
    try {
      return text == null ? JSON.createObjectNode() : JSON.readTree(text);
    } catch (JacksonException e) {
      throw new TextException(file + " is not JSON: " + e.getOriginalMessage(), e);
    }
  }

  private static @Nullable String readText(Path file) {
    try {
      return Files.exists(file) ? Files.readString(file) : null;
    } catch (IOException e) {
      throw new TextException(file + " cannot be read: " + e.getMessage(), e);
    }
  }
}
