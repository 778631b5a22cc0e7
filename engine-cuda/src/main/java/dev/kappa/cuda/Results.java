package dev.kappa.cuda;

import jcuda.driver.CUresult;
import jcuda.jcublas.cublasStatus;

/** Result codes of driver and cuBLAS. */
final class Results {

  private Results() {}

  /** Text of a failed driver call. */
  static String describe(String call, int code) {
    return "%s failed: %s (%d)".formatted(call, CUresult.stringFor(code), code);
  }

  /** Text of a failed call of cuBLAS. */
  static String describeBlas(String call, int status) {
    return "%s failed: %s (%d)".formatted(call, cublasStatus.stringFor(status), status);
  }

  /**
   * Whether a code means that the context is lost: from then on every call in it fails. The others
   * refuse one call, though their numbers lie among these (CUDA driver API, {@code CUresult}).
   */
  static boolean isFatal(int code) {
    return switch (code) {
      case CUresult.CUDA_ERROR_DEINITIALIZED,
          CUresult.CUDA_ERROR_ECC_UNCORRECTABLE,
          NVLINK_UNCORRECTABLE,
          CONTAINED,
          CUresult.CUDA_ERROR_ILLEGAL_ADDRESS,
          CUresult.CUDA_ERROR_LAUNCH_TIMEOUT,
          CUresult.CUDA_ERROR_CONTEXT_IS_DESTROYED,
          CUresult.CUDA_ERROR_ASSERT,
          CUresult.CUDA_ERROR_HARDWARE_STACK_ERROR,
          CUresult.CUDA_ERROR_ILLEGAL_INSTRUCTION,
          CUresult.CUDA_ERROR_MISALIGNED_ADDRESS,
          CUresult.CUDA_ERROR_INVALID_ADDRESS_SPACE,
          CUresult.CUDA_ERROR_INVALID_PC,
          CUresult.CUDA_ERROR_LAUNCH_FAILED,
          TENSOR_MEMORY_LEAK,
          CUresult.CUDA_ERROR_UNKNOWN ->
          true;
      default -> false;
    };
  }

  // Newer than the binding.
  private static final int NVLINK_UNCORRECTABLE = 220;
  private static final int CONTAINED = 226;
  private static final int TENSOR_MEMORY_LEAK = 721;
}
