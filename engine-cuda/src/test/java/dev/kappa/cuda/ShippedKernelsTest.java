package dev.kappa.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kappa.device.Device;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class ShippedKernelsTest {

  private static final List<String> IMAGES =
      List.of("kernels.ptx", "kernels.sm_80.cubin", "kernels.sm_90.cubin");

  private static final int EM_CUDA = 190;

  @Test
  void imagesBelongToTheSources() throws Exception {
    assertThat(noted()).as("run engine-cuda/src/main/cuda/build-ptx").isEqualTo(present());
  }

  @Test
  void machineCodeIsForTheGpusThatItIsNamedAfter() throws IOException {
    for (int capability : new int[] {80, 90}) {
      ByteBuffer elf =
          ByteBuffer.wrap(bytes("kernels.sm_%d.cubin".formatted(capability)))
              .order(ByteOrder.LITTLE_ENDIAN);
      assertThat(elf.getInt(0)).isEqualTo(0x464c457f);
      assertThat(elf.getShort(18)).isEqualTo((short) EM_CUDA);
      // The ABI of CUDA 13 has it in the second byte of the flags.
      assertThat(elf.getInt(48) >> 8 & 0xff).isEqualTo(capability);
    }
  }

  @Test
  void machineCodeIsLoadedByDriversThatTakeIt() {
    SimulatedGpu.reset();
    String compiled = kernels();
    SimulatedGpu.reset().takeMachineCode();
    assertThat(kernels()).isNotEqualTo(compiled);
    SimulatedGpu.reset();
    assertThat(kernels()).isEqualTo(compiled);
  }

  /** The device's numerics, which name the kernels. */
  private static String kernels() {
    try (Device device = SimulatedGpu.open()) {
      return device.info().numericsId();
    }
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
    for (String image : IMAGES) {
      byte[] hash = MessageDigest.getInstance("SHA-256").digest(bytes(image));
      hashes.put(image, HexFormat.of().formatHex(hash));
    }
    return hashes;
  }

  private static boolean isSource(Path file) {
    return file.toString().endsWith(".cu") || file.toString().endsWith(".cuh");
  }

  private static String resource(String name) throws IOException {
    return new String(bytes(name), StandardCharsets.UTF_8);
  }

  private static byte[] bytes(String name) throws IOException {
    try (InputStream in = KernelModule.class.getResourceAsStream(name)) {
      return Objects.requireNonNull(in, name).readAllBytes();
    }
  }
}
