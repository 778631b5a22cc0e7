package dev.kappa.cuda.natives;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Finds cuBLAS 13 or 12 where toolkits and Python packages put it, but none newer than the driver,
 * which loads and then gives no handle. The first folder that has one decides: the system property
 * {@code kappa.cublas} (a library or its folder), {@code CUDA_HOME}, {@code CUDA_PATH}, {@code
 * /usr/local/cuda*}, the folders of {@code LD_LIBRARY_PATH} and of the distribution, the
 * site-packages of Python.
 *
 * @param root of the file system
 * @param environment value of an environment variable, or null
 * @param property value of a system property, or null
 * @param newest the latest version of CUDA that the driver runs; a library that the property names
 *     is taken whatever it is
 */
record CublasSearch(
    Path root,
    Function<String, @Nullable String> environment,
    Function<String, @Nullable String> property,
    int newest) {

  /** A library file and its version. */
  record Found(Path library, int major) {

    String soname() {
      return "libcublas.so." + major;
    }
  }

  private static final List<Integer> MAJORS = List.of(13, 12);
  static final String PROPERTY = "kappa.cublas";

  private static final List<String> TOOLKIT_FOLDERS =
      List.of("lib64", "targets/x86_64-linux/lib", "lib");
  private static final List<String> SYSTEM_FOLDERS =
      List.of("usr/lib/x86_64-linux-gnu", "usr/lib64", "lib64");
  private static final List<String> WHEEL_FOLDERS =
      List.of("nvidia/cublas/lib", "nvidia/cu13/lib", "nvidia/cu12/lib");

  /** On this machine. */
  static CublasSearch ofSystem(int newest) {
    return new CublasSearch(Path.of("/"), System::getenv, System::getProperty, newest);
  }

  /**
   * @throws IllegalArgumentException if the property names something else than a cuBLAS
   */
  Optional<Found> find() {
    String named = property.apply(PROPERTY);
    if (named != null) {
      return Optional.of(named(Path.of(named)));
    }
    List<Integer> usable = MAJORS.stream().filter(major -> major <= newest).toList();
    return folders().stream()
        .map(folder -> in(folder, usable))
        .flatMap(Optional::stream)
        .findFirst();
  }

  /** All folders to look in, in order. */
  List<Path> folders() {
    List<Path> folders = new ArrayList<>();
    for (String variable : List.of("CUDA_HOME", "CUDA_PATH")) {
      String home = environment.apply(variable);
      if (home != null && !home.isBlank()) {
        TOOLKIT_FOLDERS.forEach(name -> folders.add(Path.of(home).resolve(name)));
      }
    }
    for (Path toolkit : matching(root.resolve("usr/local"), "cuda*")) {
      TOOLKIT_FOLDERS.forEach(name -> folders.add(toolkit.resolve(name)));
    }
    String loaderPath = environment.apply("LD_LIBRARY_PATH");
    if (loaderPath != null) {
      for (String folder : loaderPath.split(":", 0)) {
        if (!folder.isBlank()) {
          folders.add(Path.of(folder));
        }
      }
    }
    SYSTEM_FOLDERS.forEach(name -> folders.add(root.resolve(name)));
    for (Path packages : sitePackages()) {
      WHEEL_FOLDERS.forEach(name -> folders.add(packages.resolve(name)));
    }
    return folders;
  }

  private List<Path> sitePackages() {
    List<Path> found = new ArrayList<>();
    for (String variable : List.of("VIRTUAL_ENV", "CONDA_PREFIX")) {
      String prefix = environment.apply(variable);
      if (prefix != null && !prefix.isBlank()) {
        addSitePackages(found, Path.of(prefix));
      }
    }
    String home = environment.apply("HOME");
    if (home != null && !home.isBlank()) {
      addSitePackages(found, Path.of(home).resolve(".local"));
    }
    addSitePackages(found, root.resolve("usr/local"));
    addSitePackages(found, root.resolve("usr"));
    return found;
  }

  private static void addSitePackages(List<Path> found, Path prefix) {
    for (Path python : matching(prefix.resolve("lib"), "python3*")) {
      found.add(python.resolve("site-packages"));
      found.add(python.resolve("dist-packages"));
    }
  }

  private static Found named(Path path) {
    if (Files.isDirectory(path)) {
      return in(path, MAJORS)
          .orElseThrow(
              () -> new IllegalArgumentException("%s: no cuBLAS in %s".formatted(PROPERTY, path)));
    }
    for (int major : MAJORS) {
      Path name = path.getFileName();
      if (name != null
          && name.toString().startsWith("libcublas.so." + major)
          && Files.exists(path)) {
        return new Found(path.toAbsolutePath(), major);
      }
    }
    throw new IllegalArgumentException(
        "%s: %s is not a libcublas.so.13 or libcublas.so.12".formatted(PROPERTY, path));
  }

  private static Optional<Found> in(Path folder, List<Integer> majors) {
    for (int major : majors) {
      Path library = folder.resolve("libcublas.so." + major);
      if (Files.exists(library)) {
        return Optional.of(new Found(library.toAbsolutePath(), major));
      }
    }
    return Optional.empty();
  }

  /** Entries that match, latest version first. */
  private static List<Path> matching(Path folder, String glob) {
    List<Path> found = new ArrayList<>();
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(folder, glob)) {
      entries.forEach(found::add);
    } catch (IOException _) {
      return List.of(); // no such folder, or not ours to read
    }
    // The plain name, usually a link to the version in use, comes before those with a version.
    found.sort(
        Comparator.comparing((Path path) -> path.toString().matches(".*\\d"))
            .thenComparing(Comparator.reverseOrder()));
    return found;
  }
}
