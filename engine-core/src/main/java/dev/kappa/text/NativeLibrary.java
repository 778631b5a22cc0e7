package dev.kappa.text;

import ai.djl.engine.EngineException;
import ai.djl.huggingface.tokenizers.jni.LibUtils;
import ai.djl.huggingface.tokenizers.jni.TokenizersLibrary;
import ai.djl.util.cuda.CudaUtils;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * Loads DJL's native tokenizer library, once per JVM. DJL unpacks it from its jar into a cache
 * directory; the user's choice ({@code DJL_CACHE_DIR}, {@code ENGINE_CACHE_DIR}) is kept, otherwise
 * it is the user's cache directory, or a private temporary one where that cannot be written.
 */
final class NativeLibrary {

  private static final Logger LOG = System.getLogger(NativeLibrary.class.getName());

  private static final String ENGINE_CACHE = "ENGINE_CACHE_DIR";
  private static final String CUDA_FORK = "ai.djl.util.cuda.fork";

  private NativeLibrary() {}

  /**
   * The loaded library.
   *
   * @throws TextException if it cannot be unpacked or linked
   */
  static TokenizersLibrary get() {
    return Holder.load();
  }

  private static final class Holder {
    private static @Nullable TokenizersLibrary library;

    private Holder() {}

    static synchronized TokenizersLibrary load() {
      if (library == null) {
        library = loadOffline();
      }
      return library;
    }
  }

  private static TokenizersLibrary loadOffline() {
    // DJL would otherwise download a CUDA build of the library where it finds a GPU, and report
    // its use to its makers.
    setDefault("ai.djl.offline", "true");
    setDefault("RUST_FLAVOR", "cpu");
    setDefault("OPT_OUT_TRACKING", "true");
    Path cache = chooseCache();
    keepOffCuda();
    try {
      LibUtils.checkStatus();
      return TokenizersLibrary.LIB;
    } catch (EngineException | LinkageError e) {
      throw new TextException(
          "the native tokenizer library cannot be loaded from %s; set DJL_CACHE_DIR to a directory"
                  .formatted(cache)
              + " that can be written and executed from",
          e);
    }
  }

  private static Path chooseCache() {
    for (String name : new String[] {ENGINE_CACHE, "DJL_CACHE_DIR"}) {
      String chosen = System.getenv(name) != null ? System.getenv(name) : System.getProperty(name);
      if (chosen != null && !chosen.isEmpty()) {
        return Path.of(chosen);
      }
    }
    Path cache = userCache();
    try {
      Files.createDirectories(cache);
      if (!Files.isWritable(cache)) {
        throw new IOException("not writable");
      }
    } catch (IOException e) {
      cache = temporaryCache(cache, e);
    }
    System.setProperty(ENGINE_CACHE, cache.toString());
    return cache;
  }

  /** {@code $XDG_CACHE_HOME/kappa}, or {@code ~/.cache/kappa}. */
  private static Path userCache() {
    String xdg = System.getenv("XDG_CACHE_HOME");
    // The XDG base directory specification has relative paths ignored.
    Path base =
        xdg != null && Path.of(xdg).isAbsolute()
            ? Path.of(xdg)
            : Path.of(System.getProperty("user.home"), ".cache");
    return base.resolve("kappa");
  }

  private static Path temporaryCache(Path wanted, IOException reason) {
    try {
      Path temporary = Files.createTempDirectory("kappa-");
      LOG.log(Level.INFO, "{0}: {1}; using {2}", wanted, reason.getMessage(), temporary);
      Runtime.getRuntime().addShutdownHook(new Thread(() -> deleteAll(temporary)));
      return temporary;
    } catch (IOException e) {
      throw new TextException(
          "no directory for the native tokenizer library: neither %s nor a temporary one"
              .formatted(wanted),
          e);
    }
  }

  private static void deleteAll(Path directory) {
    try (var paths = Files.walk(directory)) {
      paths.sorted((a, b) -> b.compareTo(a)).forEach(path -> path.toFile().delete());
    } catch (IOException e) {
      LOG.log(Level.DEBUG, "cannot delete {0}: {1}", directory, e.getMessage());
    }
  }

  /**
   * DJL asks for GPUs before it picks a library, for which it would unpack JNA and load the CUDA
   * runtime into this process. Initialized in its "fork" mode, its CUDA class loads neither, and
   * out of that mode it then reports no GPU without forking.
   */
  private static void keepOffCuda() {
    String fork = System.getProperty(CUDA_FORK);
    System.setProperty(CUDA_FORK, "true");
    try {
      Class.forName(CudaUtils.class.getName());
    } catch (ClassNotFoundException e) {
      throw new IllegalStateException(e);
    } finally {
      if (fork == null) {
        System.clearProperty(CUDA_FORK);
      } else {
        System.setProperty(CUDA_FORK, fork);
      }
    }
  }

  private static void setDefault(String name, String value) {
    if (System.getenv(name) == null && System.getProperty(name) == null) {
      System.setProperty(name, value);
    }
  }
}
