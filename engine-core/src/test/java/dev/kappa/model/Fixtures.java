package dev.kappa.model;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;

/** The tiny random models among the test resources; {@code make_models.py} there makes them. */
public final class Fixtures {

  /** Every model there is. */
  public static final List<String> MODELS =
      List.of(
          "llama-tiny",
          "llama3-rope-tiny",
          "llama-mha-f16",
          "llama-linear-tiny",
          "llama-dynamic-tiny",
          "mistral-tiny",
          "qwen2-tiny",
          "qwen3-tiny",
          "qwen3-sharded",
          "gemma2-tiny",
          "gemma3-tiny",
          "phi3-tiny",
          "phi3-longrope-tiny",
          "mixtral-tiny",
          "qwen3-moe-tiny");

  /** GGUF files with a reference of their own; {@code make_gguf.py} beside them makes them. */
  public static final List<String> GGUF_MODELS =
      List.of("llama-q4_k.gguf", "qwen2-q4_0.gguf", "qwen3-q6_k.gguf");

  private static final String GGUF = ".gguf";

  private Fixtures() {}

  /**
   * Directory of a model, or a GGUF file if the name ends so; a copy for the life of this JVM if
   * the resources are in a jar.
   */
  public static Path model(String name) {
    return name.endsWith(GGUF)
        ? resource("/gguf/" + name.substring(0, name.length() - GGUF.length()))
            .resolve("model.gguf")
        : resource("/models/" + name);
  }

  /** Another file of a model. */
  public static Path beside(Path model, String file) {
    return model.toString().endsWith(GGUF) ? model.resolveSibling(file) : model.resolve(file);
  }

  /** Opens a model. */
  public static ModelDirectory open(String name) {
    return ModelDirectory.open(model(name));
  }

  static Path resource(String name) {
    try {
      URI uri = Objects.requireNonNull(Fixtures.class.getResource(name), name).toURI();
      return uri.getScheme().equals("file") ? Path.of(uri) : extract(uri, name);
    } catch (URISyntaxException e) {
      throw new IllegalStateException(e);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Path extract(URI uri, String name) throws IOException {
    Path target = Files.createTempDirectory("kappa-model");
    target.toFile().deleteOnExit();
    try (FileSystem jar = FileSystems.newFileSystem(uri, Map.of());
        Stream<Path> files = Files.list(jar.getPath(name))) {
      for (Path file : files.toList()) {
        Path copy = Files.copy(file, target.resolve(file.getFileName().toString()));
        copy.toFile().deleteOnExit();
      }
    }
    return target;
  }
}
