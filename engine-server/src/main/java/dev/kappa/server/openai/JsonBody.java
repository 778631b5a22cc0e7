package dev.kappa.server.openai;

import dev.kappa.server.http.ApiError;
import dev.kappa.server.http.ApiException;
import dev.kappa.server.http.HttpCall;
import java.util.Locale;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.TokenStreamLocation;
import tools.jackson.core.exc.StreamConstraintsException;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Reads request bodies. */
final class JsonBody {

  private static final int MAX_DEPTH = 64;

  /**
   * Values, names, and beginnings and ends of arrays and objects. Each takes up to a hundred bytes
   * of memory, however short it is in the body. They are 64 prompts of 128k token ids and something
   * around them; with a blank behind each comma the longest body by default holds no more ids.
   */
  private static final long MAX_TOKENS = (64 << 17) + 256;

  /** What Jackson tells programmers: where in its own source, and which of its options to set. */
  private static final Pattern HINTS =
      Pattern.compile(
          " \\(start marker at .*\\)$|: enable `[^`]*` to allow|, from `StreamReadConstraints[^`]*`",
          Pattern.DOTALL);

  private static final JsonMapper MAPPER =
      JsonMapper.builder(
              JsonFactory.builder()
                  .streamReadConstraints(
                      StreamReadConstraints.builder()
                          .maxNestingDepth(MAX_DEPTH)
                          .maxTokenCount(MAX_TOKENS)
                          // The body's own limit holds for its strings too.
                          .maxStringLength(Integer.MAX_VALUE)
                          .build())
                  .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                  .disable(StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION)
                  .build())
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build();

  private JsonBody() {}

  /**
   * The fields of the body's object.
   *
   * @throws ApiException if the body is something else
   */
  static JsonFields read(HttpCall call) {
    checkContentType(call.headers().get("Content-Type"));
    String encoding = call.headers().get("Content-Encoding");
    if (encoding != null && !encoding.equalsIgnoreCase("identity")) {
      throw new ApiException(
          ApiError.invalid(415, "bodies are not read in the encoding '" + encoding + "'"));
    }
    if (call.body().length == 0) {
      throw new ApiException(ApiError.invalid(400, "the body is empty; a JSON object is needed"));
    }
    try {
      return new JsonFields(MAPPER.readTree(call.body()), "");
    } catch (StreamConstraintsException e) {
      // Tokens of a prompt are something else.
      throw invalid("the body is more than is read" + describe(e).replace("Token", "JSON token"));
    } catch (JacksonException e) {
      throw invalid("the body is not JSON" + describe(e));
    }
  }

  /**
   * A string's content as JSON, if it is an object.
   *
   * @return null if it is not
   */
  static @Nullable JsonNode parseObject(String text) {
    JsonNode node = parse(text);
    return node != null && node.isObject() ? node : null;
  }

  /** A string's content as JSON; null if it is none. */
  static @Nullable JsonNode parse(String text) {
    try {
      return MAPPER.readTree(text);
    } catch (JacksonException e) {
      return null;
    }
  }

  private static ApiException invalid(String message) {
    return new ApiException(ApiError.badField(null, "invalid_json", message));
  }

  private static String describe(JacksonException e) {
    TokenStreamLocation at = e.getLocation();
    String where =
        at == null ? "" : " (line %d, column %d)".formatted(at.getLineNr(), at.getColumnNr());
    return where + ": " + HINTS.matcher(e.getOriginalMessage()).replaceAll("");
  }

  /**
   * A missing type is fine. Those that a web page may send to any server without asking (forms,
   * plain text) are not, so that no page can use the engine of whoever looks at it.
   */
  private static void checkContentType(@Nullable String header) {
    if (header == null) {
      return;
    }
    String type = header.toLowerCase(Locale.ROOT);
    boolean wrong =
        type.startsWith("text/")
            || type.startsWith("multipart/")
            || type.startsWith("application/x-www-form-urlencoded");
    if (wrong) {
      throw new ApiException(
          ApiError.invalid(
              415, "the body must come with 'Content-Type: application/json', not " + header));
    }
  }
}
