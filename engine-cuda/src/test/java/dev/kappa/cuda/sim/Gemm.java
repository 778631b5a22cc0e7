package dev.kappa.cuda.sim;

import static jcuda.driver.JCudaDriver.cuStreamSynchronize;
import static jcuda.jcublas.JCublas2.cublasCreate;
import static jcuda.jcublas.JCublas2.cublasDestroy;
import static jcuda.jcublas.JCublas2.cublasGemmEx_new;
import static jcuda.jcublas.JCublas2.cublasGetVersion;
import static jcuda.jcublas.JCublas2.cublasSetStream;

import dev.kappa.cuda.natives.JCudaNatives;
import java.util.Random;
import jcuda.Pointer;
import jcuda.cudaDataType;
import jcuda.driver.CUdeviceptr;
import jcuda.driver.CUstream;
import jcuda.jcublas.JCublas2;
import jcuda.jcublas.cublasComputeType;
import jcuda.jcublas.cublasHandle;
import jcuda.jcublas.cublasOperation;
import jcuda.runtime.cudaStream_t;

/** A matrix product of 32-bit floats through JCublas2, and a program that does one. */
final class Gemm {

  static final int COLUMNS = 96;
  static final int OUTPUTS = 80;

  private Gemm() {}

  /** Forked by a test, for a cuBLAS of another version than the test's own. */
  public static void main(String[] arguments) {
    Simulation simulation = new Simulation();
    System.setProperty(
        "kappa.cublas", simulation.cuda().cublas(Integer.parseInt(arguments[0])).toString());
    simulation.open();
    float[] in = values(1, COLUMNS);
    float[] weights = values(2, OUTPUTS * COLUMNS);
    float[] out = multiply(simulation, in, 1, weights);
    System.out.printf("%d %b%n", version(), close(out, reference(in, 1, weights)));
    System.exit(0);
  }

  static int version() {
    JCudaNatives.loadCublas();
    JCublas2.setExceptionsEnabled(true);
    cublasHandle handle = new cublasHandle();
    cublasCreate(handle);
    int[] version = new int[1];
    cublasGetVersion(handle, version);
    cublasDestroy(handle);
    return version[0] / 10000;
  }

  static float[] values(long seed, int count) {
    Random random = new Random(seed);
    float[] made = new float[count];
    for (int i = 0; i < count; i++) {
      made[i] = (float) random.nextGaussian();
    }
    return made;
  }

  /** out[rows][OUTPUTS] = in[rows][COLUMNS] · weights[OUTPUTS][COLUMNS]ᵀ. */
  static float[] multiply(Simulation simulation, float[] in, int rows, float[] weights) {
    JCudaNatives.loadCublas();
    JCublas2.setExceptionsEnabled(true);
    CUstream stream = simulation.stream();
    cublasHandle handle = new cublasHandle();
    cublasCreate(handle);
    cublasSetStream(handle, new cudaStream_t(stream));
    CUdeviceptr a = simulation.floats(weights);
    CUdeviceptr b = simulation.floats(in);
    CUdeviceptr c = simulation.allocate(4L * rows * OUTPUTS);
    int type = cudaDataType.CUDA_R_32F;
    cublasGemmEx_new(
        handle,
        cublasOperation.CUBLAS_OP_T,
        cublasOperation.CUBLAS_OP_N,
        OUTPUTS,
        rows,
        COLUMNS,
        Pointer.to(new float[] {1}),
        a,
        type,
        COLUMNS,
        b,
        type,
        COLUMNS,
        Pointer.to(new float[] {0}),
        c,
        type,
        OUTPUTS,
        cublasComputeType.CUBLAS_COMPUTE_32F,
        -1);
    cuStreamSynchronize(stream);
    cublasDestroy(handle);
    return simulation.read(c, rows * OUTPUTS);
  }

  static double[] reference(float[] in, int rows, float[] weights) {
    double[] out = new double[rows * OUTPUTS];
    for (int i = 0; i < out.length; i++) {
      for (int k = 0; k < COLUMNS; k++) {
        out[i] += (double) in[i / OUTPUTS * COLUMNS + k] * weights[i % OUTPUTS * COLUMNS + k];
      }
    }
    return out;
  }

  static boolean close(float[] found, double[] expected) {
    for (int i = 0; i < found.length; i++) {
      if (!(Math.abs(found[i] - expected[i]) < 1e-4)) {
        return false;
      }
    }
    return true;
  }
}
