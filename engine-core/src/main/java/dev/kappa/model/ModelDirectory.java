package dev.kappa.model;

import dev.kappa.gguf.GgufFile;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A model on disk: as Hugging Face publishes it, a local directory with {@code config.json},
 * weights and tokenizer files; or one GGUF file, which holds all of that.
 *
 * @param path the directory, or the GGUF file
 * @param config what its {@code config.json} or the file's metadata describe
 * @param generation what its authors recommend
 * @param weights sizes of its own weights
 */
public record ModelDirectory(
    Path path, ModelConfig config, GenerationDefaults generation, WeightSizes weights) {

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
   * Opens a directory, or a GGUF file. A directory that has no {@code config.json}, and nothing but
   * one GGUF file, stands for that file.
   *
   * @throws ModelException if it is neither with a supported model's configuration
   */
  public static ModelDirectory open(Path path) {
    if (!Files.exists(path)) {
      throw new ModelException(path + ": no such directory" + hint(path));
    }
    Path gguf = gguf(path);
    if (gguf != null) {
      return openGguf(gguf);
    }
    if (!Files.isDirectory(path)) {
      throw new ModelException(
          path
              + ": neither a directory nor a file *.gguf; expected the directory that holds "
              + CONFIG);
    }
    Path file = path.resolve(CONFIG);
    if (!Files.isRegularFile(file)) {
      throw new ModelException(path + ": has no " + CONFIG + "; expected a model directory");
    }
    JsonObject json = JsonObject.read(file);
    Path generation = path.resolve(GENERATION);
    ModelConfig config = ModelConfigReader.read(json);
    return new ModelDirectory(
        path,
        config,
        ModelConfigReader.generation(
            json, Files.exists(generation) ? JsonObject.read(generation) : null),
        WeightSizes.of(config));
  }

  private static ModelDirectory openGguf(Path file) {
    try (Arena arena = Arena.ofConfined()) {
      GgufModel model = GgufModel.map(file, arena);
      return new ModelDirectory(file, model.config(), model.generation(), model.sizes());
    }
  }

  /** The GGUF file that a path stands for, or null. */
  static @Nullable Path gguf(Path path) {
    if (GgufFile.isNamedSo(path)) {
      return path;
    }
    if (!Files.isDirectory(path) || Files.exists(path.resolve(CONFIG))) {
      return null;
    }
    try (Stream<Path> entries = Files.list(path)) {
      List<Path> found = entries.filter(GgufFile::isNamedSo).limit(2).toList();
      return found.size() == 1 ? found.getFirst() : null;
    } catch (IOException e) {
      throw new ModelException("%s: cannot be listed: %s".formatted(path, e), e);
    }
  }

  /** Whether it is a GGUF file. */
  public boolean isGguf() {
    return isGguf(path);
  }

  /** Whether a path is a GGUF file's, by its name. */
  public static boolean isGguf(Path path) {
    return GgufFile.isNamedSo(path);
  }

  /** Sizes of the weights that {@link #checkpoint} opens. */
  public WeightSizes weights(LoadFormat format) {
    return format == LoadFormat.DUMMY ? WeightSizes.of(config) : weights;
  }

  /** The model's name for people: the directory's or the file's own. */
  public String name() {
    if (isGguf()) {
      return GgufFile.name(path);
    }
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
      case STORED -> isGguf() ? GgufCheckpoint.open(path) : SafetensorsCheckpoint.open(path);
      case DUMMY -> new DummyCheckpoint(config, seed);
    };
  }

  /** The file with the tokenizer, or null if there is none. */
  public @Nullable Path tokenizer() {
    if (isGguf()) {
      try (Arena arena = Arena.ofConfined()) {
        return GgufModel.map(path, arena).hasTokenizer() ? path : null;
      }
    }
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
