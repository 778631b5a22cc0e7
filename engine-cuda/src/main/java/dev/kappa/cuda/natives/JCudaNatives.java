package dev.kappa.cuda.natives;

import dev.kappa.device.DeviceException;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.SymbolLookup;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import jcuda.driver.CUresult;
import jcuda.driver.JCudaDriver;
import org.jspecify.annotations.Nullable;

/**
 * Loads JCuda's native halves. JCuda itself would unpack them under a fixed name in the shared
 * folder for temporary files, where a stale, cut or foreign file of that name is loaded without a
 * look; so they are unpacked here, to a folder of this process that only its user may enter.
 * Thread-safe.
 */
public final class JCudaNatives {

  private static final String VERSION = "12.6.0";
  private static final String LINKED_CUBLAS = "libcublas.so.12";
  private static final String TEMPORARY = "java.io.tmpdir";

  private static @Nullable Path folder;
  private static boolean driverLoaded;
  private static @Nullable Path cublas;

  private JCudaNatives() {}

  /**
   * Makes {@code jcuda.driver.JCudaDriver} usable.
   *
   * @throws DeviceException if the driver library {@code libcuda.so.1} is missing or unusable
   */
  public static synchronized void loadDriver() {
    if (!driverLoaded) {
      load("jcuda.driver.JCudaDriver", "JCudaDriver", null);
      driverLoaded = true;
    }
  }

  /**
   * Finds cuBLAS and makes {@code jcuda.jcublas.JCublas2} usable with it.
   *
   * @return the library in use
   * @throws DeviceException if there is no cuBLAS 12 or 13, or it cannot be loaded
   */
  public static synchronized Path loadCublas() {
    loadDriver();
    if (cublas == null) {
      int version = driverVersion();
      CublasSearch.Found found = find(CublasSearch.ofSystem(version / 1000), version);
      openLibraries(found);
      load("jcuda.jcublas.JCublas2", "JCublas2", found.soname());
      cublas = found.library();
    }
    return cublas;
  }

  /** The version of CUDA that the driver is for, such as 13010. */
  private static int driverVersion() {
    int[] version = new int[1];
    int code = JCudaDriver.cuDriverGetVersion(version);
    if (code != CUresult.CUDA_SUCCESS) {
      throw new DeviceException("cuDriverGetVersion failed: " + CUresult.stringFor(code));
    }
    return version[0];
  }

  private static CublasSearch.Found find(CublasSearch search, int driver) {
    try {
      Optional<CublasSearch.Found> found = search.find();
      return found.orElseThrow(() ->
          new DeviceException(
              "no libcublas.so.13 or libcublas.so.12 found that a driver for CUDA %d.%d runs; -D%s=… names it"
                  .formatted(driver / 1000, driver % 1000 / 10, CublasSearch.PROPERTY)));
    } catch (IllegalArgumentException e) {
      throw new DeviceException(String.valueOf(e.getMessage()), e);
    }
  }

  /** Opens cuBLAS, so that JCublas2 finds it by name, and before it what it may need itself. */
  private static void openLibraries(CublasSearch.Found found) {
    Path light = found.library().resolveSibling("libcublasLt.so." + found.major());
    try {
      if (Files.exists(light)) {
        SymbolLookup.libraryLookup(light, Arena.global());
      }
      SymbolLookup.libraryLookup(found.library(), Arena.global());
    } catch (IllegalArgumentException e) {
      throw new DeviceException("cannot load %s: %s".formatted(found.library(), e.getMessage()), e);
    }
  }

  private static void load(String className, String library, @Nullable String cublasName) {
    String file = "lib%s-%s-linux-x86_64.so".formatted(library, VERSION);
    try {
      Path target = privateFolder().resolve(file);
      byte[] bytes = read("/lib/" + file);
      if (cublasName != null && !cublasName.equals(LINKED_CUBLAS)) {
        bytes = SonameRewrite.apply(bytes, LINKED_CUBLAS, cublasName);
      }
      Files.write(target, bytes);
      target.toFile().deleteOnExit();
    } catch (IOException e) {
      throw new DeviceException("cannot unpack %s: %s".formatted(file, e), e);
    }
    initialize(className);
  }

  /** Runs JCuda's own loading, which takes a file that is there as it is. */
  private static void initialize(String className) {
    String shared = System.getProperty(TEMPORARY);
    System.setProperty(TEMPORARY, String.valueOf(folder));
    try {
      Class.forName(className);
    } catch (UnsatisfiedLinkError | ExceptionInInitializerError e) {
      throw new DeviceException("cannot load %s: %s".formatted(className, reasonOf(e)), e);
    } catch (ClassNotFoundException e) {
      throw new IllegalStateException(e);
    } finally {
      System.setProperty(TEMPORARY, shared);
    }
  }

  /** The loader's line within JCuda's many. */
  private static String reasonOf(Throwable failure) {
    String message = String.valueOf(failure.getMessage());
    return message
        .lines()
        .filter(line -> line.contains(".so") && line.contains("cannot open"))
        .map(String::strip)
        .findFirst()
        .orElse(message.lines().findFirst().orElse(""));
  }

  private static Path privateFolder() throws IOException {
    if (folder == null) {
      folder = Files.createTempDirectory("kappa-natives"); // entered by its owner only
      folder.toFile().deleteOnExit();
    }
    return folder;
  }

  private static byte[] read(String resource) throws IOException {
    try (InputStream in = jcuda.LibUtils.class.getResourceAsStream(resource)) {
      if (in == null) {
        throw new IOException(resource + " is not on the class path");
      }
      return in.readAllBytes();
    }
  }
}
