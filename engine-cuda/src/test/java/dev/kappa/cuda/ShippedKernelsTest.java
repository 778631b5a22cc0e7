package dev.kappa.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class ShippedKernelsTest {

  @Test
  void ptxBelongsToTheSources() throws Exception {
    assertThat(noted()).as("run engine-cuda/src/main/cuda/build-ptx").isEqualTo(present());
  }

  @Test
  void ptxLoadsOnEveryDriverSinceCuda11() throws IOException {
    String text = resource("kernels.ptx");
    assertThat(text).startsWith(".version 7.0\n").contains(".target sm_80");
  }

  private static Map<String, String> noted() throws IOException {
    Map<String, String> hashes = new TreeMap<>();
    resource("kernels.sha256")
        .lines()
        .map(line -> line.split("  ", 2))
        .forEach(parts -> hashes.put(parts[1], parts[0]));
    return hashes;
  }

  private static Map<String, String> present() throws Exception {
    Path folder = Path.of(System.getProperty("basedir", ""), "src/main/cuda").toAbsolutePath();
    Map<String, String> hashes = new TreeMap<>();
    try (Stream<Path> files = Files.list(folder)) {
      for (Path file : files.filter(ShippedKernelsTest::isSource).toList()) {
        byte[] hash = MessageDigest.getInstance("SHA-256").digest(Files.readAllBytes(file));
        hashes.put(String.valueOf(file.getFileName()), HexFormat.of().formatHex(hash));
      }
    }
    return hashes;
  }

  private static boolean isSource(Path file) {
    return file.toString().endsWith(".cu") || file.toString().endsWith(".cuh");
  }

  private static String resource(String name) throws IOException {
    try (InputStream in = KernelModule.class.getResourceAsStream(name)) {
      assertThat(in).isNotNull();
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    }
  }
}
