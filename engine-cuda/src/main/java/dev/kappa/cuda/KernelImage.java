package dev.kappa.cuda;

import static jcuda.driver.JCudaDriver.cuModuleLoadData;

import dev.kappa.device.DeviceException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import jcuda.driver.CUmodule;
import jcuda.driver.CUresult;
import org.jspecify.annotations.Nullable;

/**
 * The project's kernels as a driver takes them: machine code for the GPU at hand where it is
 * shipped and the driver is new enough for it, else PTX, which the driver compiles. That takes
 * seconds, unless it finds in its cache what it compiled before.
 *
 * @param name of the resource
 */
record KernelImage(String name, byte[] bytes) {

  private static final Logger LOG = System.getLogger(KernelImage.class.getName());

  private static final String PTX = "kernels.ptx";

  /**
   * Loads the kernels into the current context.
   *
   * @param module becomes their handle
   * @param major of the GPU's compute capability
   * @return what was loaded
   * @throws DeviceException if the driver takes none
   */
  static KernelImage load(CudaContext context, CUmodule module, int major) {
    long start = System.nanoTime();
    KernelImage code = find("kernels.sm_%d0.cubin".formatted(major));
    int refused = CUresult.CUDA_SUCCESS;
    if (code != null) {
      refused = cuModuleLoadData(module, code.bytes);
      if (refused == CUresult.CUDA_SUCCESS) {
        LOG.log(Level.INFO, "kernels: {0}, loaded in {1} ms", code.name, millisSince(start));
        return code;
      }
      if (Results.isFatal(refused)) {
        context.check("loading " + code.name + " (cuModuleLoadData)", refused);
      }
    }
    KernelImage text = find(PTX);
    if (text == null) {
      throw new DeviceException("the kernels are missing: no resource " + PTX);
    }
    String source = new String(text.bytes, StandardCharsets.US_ASCII);
    context.check("loading the kernels (cuModuleLoadData)", cuModuleLoadData(module, source));
    LOG.log(
        Level.INFO,
        "kernels: {0}, compiled by the driver in {1} ms, since {2}",
        text.name,
        millisSince(start),
        code == null
            ? "no machine code is shipped for compute capability " + major
            : "it does not take " + code.name + ": " + CUresult.stringFor(refused));
    return text;
  }

  private static String millisSince(long start) {
    return Long.toString((System.nanoTime() - start) / 1_000_000);
  }

  private static @Nullable KernelImage find(String name) {
    try (InputStream in = KernelImage.class.getResourceAsStream(name)) {
      return in == null ? null : new KernelImage(name, in.readAllBytes());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** SHA-256 of the bytes: other code may round otherwise. */
  String hash() {
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has SHA-256", e);
    }
  }
}
