package dev.kappa.cuda.sim;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.SymbolLookup;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Assumptions;

/**
 * The simulated GPU of this JVM. Thread-safe; what {@link #control} changes is the business of
 * whoever runs tests.
 */
public final class SimulatedCuda {

  /** The one that JCuda is not made for. */
  private static final int CUBLAS_MAJOR = 13;

  private static @Nullable SimulatedCuda loaded;

  private final SimulationBuild.Libraries libraries;
  private final SimulationControl control;

  private SimulatedCuda(SimulationBuild.Libraries libraries, SimulationControl control) {
    this.libraries = libraries;
    this.control = control;
  }

  /**
   * Builds what is not built yet and loads the driver, so that every later look-up of {@code
   * libcuda.so.1} in this JVM finds it, and cuBLAS by the system property {@code kappa.cublas}.
   * Call it before anything touches JCuda. Without g++ the calling test is skipped, or fails if
   * {@code kappa.ci} is true.
   */
  public static synchronized SimulatedCuda load() {
    if (loaded == null) {
      if (!hasCompiler()) {
        String reason =
            "the simulated GPU needs %s on Linux on x86-64".formatted(CompiledObjects.COMPILER);
        if (Boolean.getBoolean("kappa.ci")) {
          throw new IllegalStateException(reason);
        }
        Assumptions.abort(reason);
      }
      SimulationBuild.Libraries libraries = new SimulationBuild(module()).build();
      // Never unloaded; later look-ups go by the library's own name.
      SymbolLookup driver = SymbolLookup.libraryLookup(libraries.driver(), Arena.global());
      SimulationControl control = new SimulationControl(driver);
      control.kernels(libraries.kernels());
      loaded = new SimulatedCuda(libraries, control);
      System.setProperty("kappa.cublas", loaded.cublas(CUBLAS_MAJOR).toString());
    }
    return loaded;
  }

  public SimulationControl control() {
    return control;
  }

  /** The driver, {@code libcuda.so.1}. */
  public Path driver() {
    return libraries.driver();
  }

  /**
   * The project's kernels. Its bytes are a module image; PTX images are replaced by it of
   * themselves.
   */
  public Path kernels() {
    return libraries.kernels();
  }

  /** The kernels of {@code src/test/cuda-sim/kernels}. */
  public Path samples() {
    return libraries.samples();
  }

  /**
   * A cuBLAS.
   *
   * @param major 12 or 13
   */
  public Path cublas(int major) {
    Path found = libraries.cublas().get(major);
    if (found == null) {
      throw new IllegalArgumentException("no simulated cuBLAS " + major);
    }
    return found;
  }

  private static Path module() {
    Path base = Path.of(System.getProperty("basedir", "")).toAbsolutePath();
    Path inside = base.resolve("engine-cuda");
    return Files.isDirectory(inside) ? inside : base;
  }

  private static boolean hasCompiler() {
    if (!System.getProperty("os.name").equals("Linux")
        || !System.getProperty("os.arch").equals("amd64")) {
      return false;
    }
    try {
      Process process =
          new ProcessBuilder(CompiledObjects.COMPILER, "--version")
              .redirectErrorStream(true)
              .redirectOutput(ProcessBuilder.Redirect.DISCARD)
              .start();
      return process.waitFor() == 0;
    } catch (IOException e) {
      return false;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }
}
