package dev.kappa.cuda;

import static jcuda.driver.JCudaDriver.cuMemcpyDtoDAsync;
import static jcuda.jcublas.JCublas2.cublasCreate;
import static jcuda.jcublas.JCublas2.cublasDestroy;
import static jcuda.jcublas.JCublas2.cublasGemmEx_new;
import static jcuda.jcublas.JCublas2.cublasGetVersion;
import static jcuda.jcublas.JCublas2.cublasSetMathMode;
import static jcuda.jcublas.JCublas2.cublasSetStream;

import dev.kappa.cuda.natives.JCudaNatives;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import jcuda.Pointer;
import jcuda.cudaDataType;
import jcuda.jcublas.JCublas2;
import jcuda.jcublas.cublasComputeType;
import jcuda.jcublas.cublasGemmAlgo;
import jcuda.jcublas.cublasHandle;
import jcuda.jcublas.cublasMath;
import jcuda.jcublas.cublasOperation;
import jcuda.runtime.cudaStream_t;

/**
 * Matrix products of one stream by cuBLAS: 16-bit operands, sums in 32 bits.
 *
 * <p>cuBLAS chooses its kernel, and with it the order of a sum, by the number of rows. Where a
 * row's bits must not depend on that, all products of a weight are made with the same number of
 * rows, the last ones filled up. Not thread-safe; owned by its stream.
 */
final class Gemm implements AutoCloseable {

  /**
   * Rows of every product where bits must not depend on their number. On an H100, reading a weight
   * takes about as long as multiplying it with so many rows, so that decoding loses little.
   */
  static final int FIXED_ROWS = 128;

  private static final int BF16_BYTES = 2;

  private final CudaContext context;
  private final Handles.StreamHandle stream;
  private final boolean deterministic;
  private final Scratch paddedIn;
  private final Scratch paddedOut;
  private final cublasHandle handle;
  private final Arena arena = Arena.ofShared();
  private final Pointer one;
  private final Pointer zero;

  Gemm(CudaContext context, Handles.StreamHandle stream, boolean deterministic) {
    this.context = context;
    this.stream = stream;
    this.deterministic = deterministic;
    paddedIn = new Scratch(context, stream);
    paddedOut = new Scratch(context, stream);
    handle = newHandle(context);
    MemorySegment factors = arena.allocateFrom(ValueLayout.JAVA_FLOAT, 1f, 0f);
    one = Handles.host(factors.address());
    zero = Handles.host(factors.address() + Float.BYTES);
    context.checkBlas("cublasSetStream", cublasSetStream(handle, new cudaStream_t(stream)));
    // Split sums are otherwise added up in the 16 bits of the result.
    context.checkBlas(
        "cublasSetMathMode",
        cublasSetMathMode(handle, cublasMath.CUBLAS_MATH_DISALLOW_REDUCED_PRECISION_REDUCTION));
  }

  private static cublasHandle newHandle(CudaContext context) {
    JCudaNatives.loadCublas();
    JCublas2.setExceptionsEnabled(false);
    context.bind();
    cublasHandle made = new cublasHandle();
    context.checkBlas("cublasCreate", cublasCreate(made));
    return made;
  }

  /** The version of the library, such as 130100. */
  static int version(CudaContext context) {
    cublasHandle handle = newHandle(context);
    try {
      int[] version = new int[1];
      context.checkBlas("cublasGetVersion", cublasGetVersion(handle, version));
      return version[0];
    } finally {
      int ignored = cublasDestroy(handle);
    }
  }

  /**
   * {@code out[rows][weight.rows()] = in[rows][weight.columns()] · weightᵀ}.
   *
   * @param outBytes 4 for a result of 32-bit floats, 2 for one of the activation type
   */
  void multiply(long in, int rows, CudaWeight weight, long out, int outBytes) {
    if (!deterministic) {
      product(in, rows, weight, out, outBytes);
      return;
    }
    long inRow = (long) weight.columns() * BF16_BYTES;
    long outRow = (long) weight.rows() * outBytes;
    int row = 0;
    for (; row <= rows - FIXED_ROWS; row += FIXED_ROWS) {
      product(in + row * inRow, FIXED_ROWS, weight, out + row * outRow, outBytes);
    }
    if (row < rows) {
      long from = paddedIn.reserve(FIXED_ROWS * inRow);
      long to = paddedOut.reserve(FIXED_ROWS * outRow);
      copy(from, in + row * inRow, (rows - row) * inRow);
      product(from, FIXED_ROWS, weight, to, outBytes);
      copy(out + row * outRow, to, (rows - row) * outRow);
    }
  }

  private void copy(long to, long from, long bytes) {
    context.check(
        "cuMemcpyDtoDAsync",
        cuMemcpyDtoDAsync(Handles.device(to), Handles.device(from), bytes, stream));
  }

  /** Row-major matrices are the transposes of cuBLAS's column-major ones. */
  private void product(long in, int rows, CudaWeight weight, long out, int outBytes) {
    int outputs = weight.rows();
    int inputs = weight.columns();
    int code =
        cublasGemmEx_new(
            handle,
            cublasOperation.CUBLAS_OP_T,
            cublasOperation.CUBLAS_OP_N,
            outputs,
            rows,
            inputs,
            one,
            Handles.device(weight.address()),
            cudaDataType.CUDA_R_16BF,
            inputs,
            Handles.device(in),
            cudaDataType.CUDA_R_16BF,
            inputs,
            zero,
            Handles.device(out),
            outBytes == BF16_BYTES ? cudaDataType.CUDA_R_16BF : cudaDataType.CUDA_R_32F,
            outputs,
            cublasComputeType.CUBLAS_COMPUTE_32F,
            cublasGemmAlgo.CUBLAS_GEMM_DEFAULT);
    context.checkBlas("cublasGemmEx", code);
  }

  @Override
  public void close() {
    int ignored = cublasDestroy(handle);
    paddedIn.close();
    paddedOut.close();
    arena.close();
  }
}
