package dev.kappa.cuda.sim;

import static dev.kappa.cuda.sim.Gemm.COLUMNS;
import static dev.kappa.cuda.sim.Gemm.OUTPUTS;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class SimulatedCublasTest {

  private final Simulation simulation = new Simulation();
  private final float[] weights = Gemm.values(1, OUTPUTS * COLUMNS);

  @BeforeEach
  void open() {
    simulation.open();
  }

  @AfterEach
  void close() {
    simulation.close();
  }

  @Test
  void multipliesThroughTheRewrittenLibrary() {
    float[] in = Gemm.values(2, 5 * COLUMNS);
    assertThat(Gemm.version()).isEqualTo(13);
    assertThat(
            Gemm.close(Gemm.multiply(simulation, in, 5, weights), Gemm.reference(in, 5, weights)))
        .isTrue();
  }

  @Test
  void multipliesThroughTheLibraryThatJCudaIsMadeFor() throws IOException, InterruptedException {
    Process process =
        new ProcessBuilder(
                List.of(
                    ProcessHandle.current().info().command().orElseThrow(),
                    "--enable-native-access=ALL-UNNAMED",
                    "-Dbasedir=" + System.getProperty("basedir", "."),
                    "-cp",
                    System.getProperty("java.class.path"),
                    "dev.kappa.cuda.sim.Gemm",
                    "12"))
            .redirectErrorStream(true)
            .start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).as(output).isZero();
    // A machine's Java may say something of its own first.
    assertThat(output.lines()).last().isEqualTo("12 true");
  }

  @Test
  void rowsKeepTheirBitsOnlyWithinAClassOfShapes() {
    float[] in = Gemm.values(3, 65 * COLUMNS);
    float[] alone = firstRow(in, 1);
    assertThat(firstRow(in, 16)).isEqualTo(alone);
    assertThat(firstRow(in, 17)).isNotEqualTo(alone).isEqualTo(firstRow(in, 64));
    assertThat(firstRow(in, 65)).isNotEqualTo(alone).isNotEqualTo(firstRow(in, 17));
  }

  private float[] firstRow(float[] in, int rows) {
    float[] out = Gemm.multiply(simulation, Arrays.copyOf(in, rows * COLUMNS), rows, weights);
    return Arrays.copyOf(out, OUTPUTS);
  }
}
