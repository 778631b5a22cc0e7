package dev.kappa.cuda.sim;

import dev.kappa.cuda.sim.CompiledObjects.Unit;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** Builds the simulated driver, both simulated cuBLAS versions and the kernels. */
final class SimulationBuild {

  /**
   * What was built.
   *
   * @param driver {@code libcuda.so.1}
   * @param kernels the project's kernels
   * @param samples the kernels of the simulation's own tests
   * @param cublas {@code libcublas.so.N} by N
   */
  record Libraries(Path driver, Path kernels, Path samples, Map<Integer, Path> cublas) {}

  /** With fused multiply-adds as instructions (x86-64-v3), but only where kernels ask for them. */
  private static final List<String> COMMAND =
      List.of(
          CompiledObjects.COMPILER,
          "-std=c++17",
          "-O2",
          "-march=x86-64-v3",
          "-ffp-contract=off",
          "-g1",
          "-fPIC",
          "-fvisibility=hidden",
          "-Wall");

  /** Every access of a kernel asks first whether a GPU would take its address. */
  private static final List<String> KERNEL_OPTIONS =
      List.of("-x", "c++", "-DKAPPA_HOST", "-Wno-unknown-pragmas", "-fsanitize=alignment");

  private final Path sources;
  private final Path cuda;
  private final Path output;
  private final CompiledObjects objects;

  /**
   * @param module the folder of engine-cuda
   */
  SimulationBuild(Path module) {
    this.sources = module.resolve("src/test/cuda-sim");
    this.cuda = module.resolve("src/main/cuda");
    this.output = module.resolve("target/cuda-sim");
    this.objects = new CompiledObjects(output, COMMAND);
  }

  Libraries build() {
    Path host = sources.resolve("host");
    List<Unit> driver = units(sources.resolve("driver"), ".cpp", List.of());
    driver.add(fillers(sources.resolve("driver/imports.txt"), "kappaSimUnsupported"));
    List<Unit> kernels = kernels(cuda);
    List<Unit> samples = kernels(sources.resolve("kernels"));
    List<Unit> cublas = new ArrayList<>();
    for (int major : List.of(12, 13)) {
      List<String> options = List.of("-O3", "-DCUBLAS_MAJOR=" + major);
      cublas.addAll(units(sources.resolve("cublas"), ".cpp", options));
    }
    Unit cublasFillers = fillers(sources.resolve("cublas/imports.txt"), "kappaSimUnsupportedBlas");
    List<Unit> runtime = units(host, ".cpp", List.of());

    List<Unit> all =
        Stream.of(samples, kernels, driver, cublas, runtime, List.of(cublasFillers))
            .flatMap(List::stream)
            .toList();
    List<Path> compiled = objects.compile(all);
    Map<Unit, Path> byUnit =
        IntStream.range(0, all.size()).boxed().collect(Collectors.toMap(all::get, compiled::get));

    Path driverLibrary =
        objects.link(
            "libcuda.so.1",
            pick(byUnit, driver),
            List.of(),
            List.of("-Wl,-soname,libcuda.so.1", "-ldl", "-lpthread"));
    return new Libraries(
        driverLibrary,
        linkKernels("kernels.so", byUnit, kernels, runtime),
        linkKernels("samples.so", byUnit, samples, runtime),
        Map.of(
            12, linkCublas(12, byUnit, List.of(cublas.get(0), cublasFillers), driverLibrary),
            13, linkCublas(13, byUnit, List.of(cublas.get(1), cublasFillers), driverLibrary)));
  }

  private Path linkKernels(
      String name, Map<Unit, Path> byUnit, List<Unit> kernels, List<Unit> runtime) {
    List<Path> inputs = new ArrayList<>(pick(byUnit, kernels));
    inputs.addAll(pick(byUnit, runtime));
    return objects.link(name, inputs, List.of(), List.of());
  }

  private Path linkCublas(int major, Map<Unit, Path> byUnit, List<Unit> units, Path driver) {
    String soname = "libcublas.so." + major;
    Path versions = write(soname + ".map", soname + " { global: cublas*; local: *; };\n");
    return objects.link(
        soname,
        pick(byUnit, units),
        List.of(versions),
        List.of("-Wl,-soname," + soname, "-Wl,--version-script=" + versions, driver.toString()));
  }

  private static List<Path> pick(Map<Unit, Path> byUnit, List<Unit> units) {
    return units.stream().map(byUnit::get).toList();
  }

  private List<Unit> units(Path folder, String ending, List<String> options) {
    List<Path> includes = List.of(folder, sources.resolve("host"));
    return CompiledObjects.filesIn(folder, ending).stream()
        .map(source -> new Unit(source, includes, options))
        .collect(Collectors.toCollection(ArrayList::new));
  }

  private List<Unit> kernels(Path folder) {
    List<Path> includes = List.of(cuda, sources.resolve("host"));
    return CompiledObjects.filesIn(folder, ".cu").stream()
        .map(source -> new Unit(source, includes, KERNEL_OPTIONS))
        .toList();
  }

  /** A weak function for every name, so that JCuda finds all that it imports. */
  private Unit fillers(Path names, String report) {
    try {
      StringBuilder text = new StringBuilder();
      text.append("extern \"C\" int %s(const char*);\n".formatted(report));
      for (String name : Files.readAllLines(names)) {
        text.append(
            "extern \"C\" __attribute__((weak, visibility(\"default\"))) int %s() { return %s(\"%s\"); }\n"
                .formatted(name, report, name));
      }
      return new Unit(write(report + ".cpp", text.toString()), List.of(), List.of());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private Path write(String name, String text) {
    try {
      Path target = output.resolve("generated").resolve(name);
      if (!Files.exists(target) || !Files.readString(target).equals(text)) {
        Files.createDirectories(target.getParent());
        Path unfinished = Files.createTempFile(target.getParent(), "unfinished", ".tmp");
        Files.writeString(unfinished, text);
        Files.move(unfinished, target, StandardCopyOption.ATOMIC_MOVE);
      }
      return target;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
