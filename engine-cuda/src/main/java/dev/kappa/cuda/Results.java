package dev.kappa.cuda;

import dev.kappa.device.DeviceException;
import jcuda.driver.CUresult;
import jcuda.jcublas.cublasStatus;

/** Result codes of driver and cuBLAS. */
final class Results {

  private Results() {}

  /** Text of a failed driver call. */
  static String describe(String call, int code) {
    return "%s failed: %s (%d)".formatted(call, CUresult.stringFor(code), code);
  }

  static void checkBlas(String call, int code) {
    if (code != cublasStatus.CUBLAS_STATUS_SUCCESS) {
      throw new DeviceException(
          "%s failed: %s (%d)".formatted(call, cublasStatus.stringFor(code), code));
    }
  }

  /**
   * Whether a code means that the context is lost: from then on every call in it fails. The others
   * refuse one call (CUDA driver API, {@code CUresult}).
   */
  static boolean isFatal(int code) {
    return switch (code) {
      case CUresult.CUDA_ERROR_DEINITIALIZED,
          CUresult.CUDA_ERROR_ECC_UNCORRECTABLE,
          CUresult.CUDA_ERROR_UNKNOWN ->
          true;
      default -> code >= CUresult.CUDA_ERROR_ILLEGAL_ADDRESS && code <= LAST_LAUNCH_FAILURE;
    };
  }

  /** {@code CUDA_ERROR_LAUNCH_FAILED}, the last of those that kernels and copies cause. */
  private static final int LAST_LAUNCH_FAILURE = CUresult.CUDA_ERROR_LAUNCH_FAILED;
}
