package dev.kappa.cuda.natives;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CublasSearchTest {

  @TempDir private Path root;

  private final Map<String, String> environment = new HashMap<>();
  private final Map<String, String> properties = new HashMap<>();

  private Optional<CublasSearch.Found> find() {
    return find(13);
  }

  private Optional<CublasSearch.Found> find(int newest) {
    return new CublasSearch(root, environment::get, properties::get, newest).find();
  }

  private Path library(String path) throws IOException {
    Path file = root.resolve(path);
    Files.createDirectories(file.getParent());
    return Files.createFile(file);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "usr/local/cuda/lib64",
        "usr/local/cuda-12.4/targets/x86_64-linux/lib",
        "usr/lib/x86_64-linux-gnu",
        "usr/local/lib/python3.12/dist-packages/nvidia/cublas/lib",
        "usr/lib/python3.14/site-packages/nvidia/cu13/lib",
        "home/me/.local/lib/python3.11/site-packages/nvidia/cublas/lib",
        "venv/lib/python3.13/site-packages/nvidia/cu13/lib",
        "loader",
        "toolkit/lib64"
      })
  void looksWhereItIsUsuallyInstalled(String folder) throws IOException {
    environment.put("HOME", root.resolve("home/me").toString());
    environment.put("VIRTUAL_ENV", root.resolve("venv").toString());
    environment.put("LD_LIBRARY_PATH", "/nowhere::" + root.resolve("loader"));
    environment.put("CUDA_HOME", root.resolve("toolkit").toString());
    assertThat(find()).isEmpty();
    Path twelve = library(folder + "/libcublas.so.12");
    assertThat(find()).contains(new CublasSearch.Found(twelve, 12));
    Path thirteen = library(folder + "/libcublas.so.13");
    assertThat(find()).contains(new CublasSearch.Found(thirteen, 13));
  }

  @Test
  void prefersWhatTheUserNames() throws IOException {
    library("usr/local/cuda/lib64/libcublas.so.13");
    Path named = library("mine/libcublas.so.12.4.5.8");
    properties.put("kappa.cublas", named.toString());
    assertThat(find()).contains(new CublasSearch.Found(named, 12));
    Path inside = library("mine/libcublas.so.12");
    properties.put("kappa.cublas", root.resolve("mine").toString());
    assertThat(find()).contains(new CublasSearch.Found(inside, 12));
  }

  @Test
  void prefersTheToolkitInUseToOtherVersions() throws IOException {
    library("usr/local/cuda-13.0/lib64/libcublas.so.13");
    Path used = library("usr/local/cuda/lib64/libcublas.so.12");
    assertThat(find()).contains(new CublasSearch.Found(used, 12));
  }

  @Test
  void takesNoneThatIsNewerThanTheDriver() throws IOException {
    Path newer = library("usr/local/cuda/lib64/libcublas.so.13");
    assertThat(find(12)).isEmpty();
    Path older = library("usr/lib64/libcublas.so.12");
    assertThat(find(12)).contains(new CublasSearch.Found(older, 12));
    properties.put("kappa.cublas", newer.toString());
    assertThat(find(12)).contains(new CublasSearch.Found(newer, 13));
  }

  @Test
  void refusesANamedFileThatIsNone() throws IOException {
    for (String named : new String[] {"nothing/libcublas.so.13", "", "x/libcublas.so.11"}) {
      properties.put("kappa.cublas", root.resolve(named).toString());
      assertThatThrownBy(this::find)
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("kappa.cublas");
    }
  }
}
