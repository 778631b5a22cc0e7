package dev.kappa.cuda;

import static jcuda.driver.JCudaDriver.cuCtxSetCurrent;
import static jcuda.driver.JCudaDriver.cuDeviceGet;
import static jcuda.driver.JCudaDriver.cuDevicePrimaryCtxRelease;
import static jcuda.driver.JCudaDriver.cuDevicePrimaryCtxRetain;
import static jcuda.driver.JCudaDriver.cuInit;
import static jcuda.driver.JCudaDriver.cuStreamQuery;

import dev.kappa.cuda.natives.JCudaNatives;
import dev.kappa.device.DeviceException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import jcuda.driver.CUcontext;
import jcuda.driver.CUdevice;
import jcuda.driver.CUresult;
import jcuda.driver.JCudaDriver;
import jcuda.jcublas.cublasStatus;
import org.jspecify.annotations.Nullable;

/**
 * The primary context of a GPU. Every call of the driver works on the calling thread's current
 * context, so whoever calls it binds this one first. Thread-safe.
 */
final class CudaContext implements AutoCloseable {

  private static final ThreadLocal<@Nullable CudaContext> BOUND = new ThreadLocal<>();

  private final CUdevice device = new CUdevice();
  private final CUcontext context = new CUcontext();
  private final List<Runnable> lossListeners = new CopyOnWriteArrayList<>();
  private volatile @Nullable String loss;

  CudaContext(int ordinal) {
    JCudaNatives.loadDriver();
    JCudaDriver.setExceptionsEnabled(false);
    check("cuInit", cuInit(0));
    check("cuDeviceGet", cuDeviceGet(device, ordinal));
    check("cuDevicePrimaryCtxRetain", cuDevicePrimaryCtxRetain(context, device));
  }

  CUdevice device() {
    return device;
  }

  /** Makes this the calling thread's context. */
  void bind() {
    if (BOUND.get() != this) {
      check("cuCtxSetCurrent", cuCtxSetCurrent(context));
      BOUND.set(this);
    }
  }

  /**
   * Turns a result code into an exception, and notes if it means that the context is lost.
   *
   * @throws DeviceException unless the code is success
   */
  void check(String call, int code) {
    if (code == CUresult.CUDA_SUCCESS) {
      return;
    }
    String message = Results.describe(call, code);
    if (Results.isFatal(code)) {
      lose(message);
    }
    String first = loss;
    throw new DeviceException(
        first == null || first.equals(message) ? message : message + " after " + first);
  }

  /**
   * As {@link #check} for cuBLAS, whose results do not say why one of its kernels failed: the
   * context does, if it is lost.
   *
   * @throws DeviceException unless the status is success
   */
  void checkBlas(String call, int status) {
    if (status == cublasStatus.CUBLAS_STATUS_SUCCESS) {
      return;
    }
    String message = Results.describeBlas(call, status);
    int state = cuStreamQuery(null);
    if (state != CUresult.CUDA_ERROR_NOT_READY) {
      check(message + "; cuStreamQuery", state);
    }
    throw new DeviceException(message);
  }

  /** For releasing what a lost context has already released. */
  void ignore(int code) {
    if (Results.isFatal(code)) {
      lose("releasing failed: " + CUresult.stringFor(code));
    }
  }

  boolean isLost() {
    return loss != null;
  }

  /** Called once, when the context is found to be lost, or at once if it is. */
  void onLoss(Runnable listener) {
    lossListeners.add(listener);
    if (isLost()) {
      listener.run();
    }
  }

  private void lose(String message) {
    List<Runnable> listeners = List.of();
    synchronized (this) {
      if (loss == null) {
        loss = message;
        listeners = new ArrayList<>(lossListeners);
      }
    }
    listeners.forEach(Runnable::run);
  }

  @Override
  public void close() {
    BOUND.remove();
    ignore(cuDevicePrimaryCtxRelease(device));
  }
}
