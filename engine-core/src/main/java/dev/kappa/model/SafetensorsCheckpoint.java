package dev.kappa.model;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The {@code *.safetensors} files of a model directory, memory-mapped: {@code model.safetensors},
 * or the shards that {@code model.safetensors.index.json} lists, or the only such file there is.
 */
public final class SafetensorsCheckpoint implements Checkpoint {

  private static final String SINGLE = "model.safetensors";
  private static final String INDEX = "model.safetensors.index.json";

  private final Path directory;
  private final Arena arena;
  private final Map<String, SafetensorsFile> files;
  private final Fingerprint fingerprint;

  private SafetensorsCheckpoint(
      Path directory, Arena arena, Map<String, SafetensorsFile> files, Fingerprint fingerprint) {
    this.directory = directory;
    this.arena = arena;
    this.files = files;
    this.fingerprint = fingerprint;
  }

  /**
   * Maps a directory's weights and checks their headers; tensors are not read yet.
   *
   * @throws ModelException if there are none, or one of the files is not valid
   */
  @SuppressWarnings("MustBeClosedChecker") // The checkpoint owns the arena and closes it.
  public static SafetensorsCheckpoint open(Path directory) {
    Arena arena = Arena.ofShared();
    try {
      Map<String, SafetensorsFile> files = map(directory, arena);
      List<Path> hashed = new ArrayList<>();
      Path config = directory.resolve(ModelDirectory.CONFIG);
      if (Files.exists(config)) {
        hashed.add(config);
      }
      files.values().stream().map(SafetensorsFile::path).distinct().sorted().forEach(hashed::add);
      Fingerprint fingerprint = new Fingerprint(hashed, new FileHashes(FileHashes.userCache()));
      return new SafetensorsCheckpoint(directory, arena, files, fingerprint);
    } catch (RuntimeException e) {
      arena.close();
      throw e;
    }
  }

  @Override
  public Set<String> names() {
    return Collections.unmodifiableSet(files.keySet());
  }

  @Override
  public Tensor tensor(String name, Arena arena) {
    SafetensorsFile file = files.get(name);
    if (file == null) {
      throw new ModelException(
          "%s: none of its weight files has tensor %s".formatted(directory, name));
    }
    return file.tensor(name, arena);
  }

  @Override
  public String fingerprint() {
    return fingerprint.value();
  }

  @Override
  public void close() {
    arena.close();
  }

  private static Map<String, SafetensorsFile> map(Path directory, Arena arena) {
    Path single = directory.resolve(SINGLE);
    Path index = directory.resolve(INDEX);
    if (!Files.exists(single) && Files.exists(index)) {
      return mapShards(directory, JsonObject.read(index), arena);
    }
    SafetensorsFile file =
        SafetensorsFile.map(Files.exists(single) ? single : onlyFile(directory), arena);
    Map<String, SafetensorsFile> files = new LinkedHashMap<>();
    file.names().forEach(name -> files.put(name, file));
    return files;
  }

  private static Path onlyFile(Path directory) {
    List<Path> found;
    try (Stream<Path> entries = Files.list(directory)) {
      found = entries.filter(path -> path.toString().endsWith(".safetensors")).sorted().toList();
    } catch (IOException e) {
      throw new ModelException("%s: cannot be listed: %s".formatted(directory, e), e);
    }
    if (found.size() == 1) {
      return found.getFirst();
    }
    throw new ModelException(
        found.isEmpty()
            ? "%s: no *.safetensors file; expected %s, or %s and its shards"
                .formatted(directory, SINGLE, INDEX)
            : "%s: several weight files %s but no %s"
                .formatted(directory, found.stream().map(Path::getFileName).toList(), INDEX));
  }

  private static Map<String, SafetensorsFile> mapShards(
      Path directory, JsonObject index, Arena arena) {
    JsonObject weightMap = index.object("weight_map");
    if (weightMap == null) {
      throw index.missing("weight_map", "an object from tensor names to file names");
    }
    Map<String, SafetensorsFile> shards = new TreeMap<>();
    Map<String, SafetensorsFile> files = new LinkedHashMap<>();
    for (String tensor : weightMap.keys()) {
      String name = weightMap.text(tensor, "");
      SafetensorsFile shard = shards.get(name);
      if (shard == null) {
        shard = SafetensorsFile.map(shardPath(directory, weightMap, tensor, name), arena);
        shards.put(name, shard);
      }
      if (!shard.names().contains(tensor)) {
        throw new ModelException(
            "%s: has no tensor %s, which %s says it has"
                .formatted(shard.path(), tensor, index.file()));
      }
      files.put(tensor, shard);
    }
    checkUnique(shards);
    return files;
  }

  private static Path shardPath(Path directory, JsonObject weightMap, String tensor, String name) {
    Path shard = inside(directory, name);
    if (shard == null) {
      throw weightMap.wrong(tensor, "the name of a file in the same directory");
    }
    if (!Files.isRegularFile(shard)) {
      throw new ModelException(
          "%s: no such file, but %s says that it has tensor %s"
              .formatted(shard, weightMap.file(), tensor));
    }
    return shard;
  }

  /** Null if the name leads out of the directory or is no name at all. */
  private static @Nullable Path inside(Path directory, String name) {
    try {
      Path path = directory.resolve(name).normalize();
      return path.startsWith(directory.normalize()) && !path.equals(directory.normalize())
          ? path
          : null;
    } catch (InvalidPathException _) {
      return null;
    }
  }

  private static void checkUnique(Map<String, SafetensorsFile> shards) {
    Map<String, SafetensorsFile> owners = new LinkedHashMap<>();
    for (SafetensorsFile shard : shards.values()) {
      for (String tensor : shard.names()) {
        SafetensorsFile other = owners.put(tensor, shard);
        if (other != null) {
          throw new ModelException(
              "%s: tensor %s is also in %s; expected it in one file"
                  .formatted(shard.path(), tensor, other.path()));
        }
      }
    }
  }
}
