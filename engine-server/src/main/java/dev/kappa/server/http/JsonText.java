package dev.kappa.server.http;

import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.util.function.Consumer;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.ObjectWriteContext;
import tools.jackson.core.json.JsonFactory;

/** Writes JSON as UTF-8. */
public final class JsonText {

  private static final JsonFactory FACTORY = new JsonFactory();

  private JsonText() {}

  /**
   * What the writer wrote. Half surrogate pairs, which UTF-8 cannot hold, become question marks.
   */
  public static byte[] of(Consumer<JsonGenerator> writer) {
    StringWriter text = new StringWriter(256);
    try (JsonGenerator json = FACTORY.createGenerator(ObjectWriteContext.empty(), text)) {
      writer.accept(json);
    }
    return text.toString().getBytes(StandardCharsets.UTF_8);
  }
}
