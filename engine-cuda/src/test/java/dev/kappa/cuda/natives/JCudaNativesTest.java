package dev.kappa.cuda.natives;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kappa.cuda.sim.SimulatedCuda;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.stream.Stream;
import jcuda.driver.JCudaDriver;
import org.junit.jupiter.api.Test;

class JCudaNativesTest {

  @Test
  void unpacksToAFolderOfItsOwn() throws IOException {
    SimulatedCuda cuda = SimulatedCuda.load();
    String before = System.getProperty("java.io.tmpdir");
    JCudaNatives.loadDriver();
    assertThat(JCudaNatives.loadCublas()).isEqualTo(cuda.cublas(13));
    assertThat(System.getProperty("java.io.tmpdir")).isEqualTo(before);
    int[] version = new int[1];
    assertThat(JCudaDriver.cuDriverGetVersion(version)).isZero();

    for (Path library : mapped()) {
      Path folder = library.getParent();
      assertThat(folder).isNotEqualTo(Path.of(before));
      assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(folder)))
          .isEqualTo("rwx------");
    }
  }

  /** JCuda's libraries in this process, as the system has them. */
  private static List<Path> mapped() throws IOException {
    try (Stream<String> lines = Files.lines(Path.of("/proc/self/maps"))) {
      List<Path> found =
          lines
              .filter(line -> line.contains("/libJC"))
              .map(line -> Path.of(line.substring(line.indexOf('/'))))
              .distinct()
              .toList();
      assertThat(found).hasSize(2);
      return found;
    }
  }
}
