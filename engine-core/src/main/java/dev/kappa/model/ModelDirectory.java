package dev.kappa.model;

import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * A model as Hugging Face publishes it: a local directory with {@code config.json}, weights and
 * tokenizer files.
 *
 * @param path the directory
 * @param config what its {@code config.json} describes
 * @param generation what its authors recommend
 */
public record ModelDirectory(Path path, ModelConfig config, GenerationDefaults generation) {

  static final String CONFIG = "config.json";
  private static final String GENERATION = "generation_config.json";

  /**
   * Opens a directory given by a user.
   *
   * @throws ModelException if it is not a directory with a supported model's configuration
   */
  public static ModelDirectory open(String path) {
    try {
      return open(Path.of(path));
    } catch (InvalidPathException e) {
      throw new ModelException("%s: not a path: %s".formatted(path, e.getReason()), e);
    }
  }

  /**
   * Opens a directory.
   *
   * @throws ModelException if it is not a directory with a supported model's configuration
   */
  public static ModelDirectory open(Path path) {
    if (!Files.exists(path)) {
      throw new ModelException(path + ": no such directory" + hint(path));
    }
    if (!Files.isDirectory(path)) {
      throw new ModelException(
          path + ": not a directory; expected the directory that holds " + CONFIG);
    }
    Path file = path.resolve(CONFIG);
    if (!Files.isRegularFile(file)) {
      throw new ModelException(path + ": has no " + CONFIG + "; expected a model directory");
    }
    JsonObject config = JsonObject.read(file);
    Path generation = path.resolve(GENERATION);
    return new ModelDirectory(
        path,
        ModelConfigReader.read(config),
        ModelConfigReader.generation(
            config, Files.exists(generation) ? JsonObject.read(generation) : null));
  }

  /** The model's name for people: the directory's own. */
  public String name() {
    Path name = path.toAbsolutePath().normalize().getFileName();
    return name == null ? path.toString() : name.toString();
  }

  /**
   * Opens the weights; the caller closes them.
   *
   * @param seed seed of dummy weights
   * @throws ModelException if the weight files are not valid
   */
  public Checkpoint checkpoint(LoadFormat format, long seed) {
    return switch (format) {
      case SAFETENSORS -> SafetensorsCheckpoint.open(path);
      case DUMMY -> new DummyCheckpoint(config, seed);
    };
  }

  /** {@code tokenizer.json}, or null if the directory has none. */
  public @Nullable Path tokenizer() {
    Path file = path.resolve("tokenizer.json");
    return Files.isRegularFile(file) ? file : null;
  }

  /** Names like {@code meta-llama/Llama-3.1-8B} look like paths, but nothing is downloaded. */
  private static String hint(Path path) {
    boolean hubName = !path.isAbsolute() && path.getNameCount() == 2 && !path.startsWith("..");
    return hubName
        ? "; models are local directories and are not downloaded: fetch it first, for example with"
            + " `hf download %s --local-dir %s`".formatted(path, path.getFileName())
        : "";
  }
}
