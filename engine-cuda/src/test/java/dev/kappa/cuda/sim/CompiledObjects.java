package dev.kappa.cuda.sim;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;

/**
 * Compiles with g++ what was not compiled before: outputs are named after the hash of the command
 * and all that it reads. Safe beside other processes that do the same, as files appear whole.
 */
final class CompiledObjects {

  /** Whoever has another name for it sets the system property. */
  static final String COMPILER = System.getProperty("kappa.test.compiler", "g++");

  private static final int HASH_CHARACTERS = 24;

  private final Path folder;
  private final List<String> compiler;

  /**
   * @param folder where outputs go
   * @param compiler the command and its first arguments
   */
  CompiledObjects(Path folder, List<String> compiler) {
    this.folder = folder;
    this.compiler = List.copyOf(compiler);
  }

  /** One source file, its headers and the options it is compiled with. */
  record Unit(Path source, List<Path> includeFolders, List<String> options) {}

  /** Compiles all, several at a time, in the order given. */
  List<Path> compile(List<Unit> units) {
    try (ExecutorService workers =
        Executors.newFixedThreadPool(Runtime.getRuntime().availableProcessors())) {
      List<Future<Path>> running =
          units.stream().map(unit -> workers.submit(() -> compile(unit))).toList();
      List<Path> objects = new ArrayList<>();
      for (Future<Path> one : running) {
        objects.add(one.get());
      }
      return objects;
    } catch (ExecutionException e) {
      throw new IllegalStateException("cannot build the simulated GPU", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }

  private Path compile(Unit unit) {
    List<String> arguments = new ArrayList<>(unit.options());
    List<Path> read = new ArrayList<>(List.of(unit.source()));
    for (Path include : unit.includeFolders()) {
      arguments.add("-I" + include);
      read.addAll(filesIn(include, ".h", ".cuh"));
    }
    arguments.add("-c");
    arguments.add(unit.source().toString());
    return make(hash(arguments, read) + ".o", arguments);
  }

  /**
   * Links a shared library.
   *
   * @param name the file's name; it lies in a folder of its own, as libraries are found by name
   */
  Path link(String name, List<Path> objects, List<Path> otherInputs, List<String> options) {
    List<String> arguments = new ArrayList<>(List.of("-shared"));
    objects.forEach(object -> arguments.add(object.toString()));
    arguments.addAll(options);
    return make(hash(arguments, otherInputs) + "/" + name, arguments);
  }

  private Path make(String output, List<String> arguments) {
    Path target = folder.resolve(output);
    if (Files.exists(target)) {
      return target;
    }
    try {
      Files.createDirectories(target.getParent());
      Path unfinished = Files.createTempFile(target.getParent(), "unfinished", ".tmp");
      List<String> command = new ArrayList<>(compiler);
      command.addAll(arguments);
      command.addAll(List.of("-o", unfinished.toString()));
      run(command);
      return Files.move(unfinished, target, StandardCopyOption.ATOMIC_MOVE);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void run(List<String> command) throws IOException {
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    try {
      if (process.waitFor() != 0) {
        throw new IllegalStateException(String.join(" ", command) + "\n" + output);
      }
    } catch (InterruptedException e) {
      process.destroy();
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }

  private String hash(List<String> arguments, List<Path> files) {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      digest.update((compiler + "\n" + arguments + "\n").getBytes(StandardCharsets.UTF_8));
      for (Path file : files) {
        digest.update(Files.readAllBytes(file));
      }
      return HexFormat.of().formatHex(digest.digest()).substring(0, HASH_CHARACTERS);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The files in a folder with one of these endings, by name. */
  static List<Path> filesIn(Path folder, String... endings) {
    try (Stream<Path> files = Files.list(folder)) {
      return files
          .filter(file -> Arrays.stream(endings).anyMatch(file.toString()::endsWith))
          .sorted()
          .toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
