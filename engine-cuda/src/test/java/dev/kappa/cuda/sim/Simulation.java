package dev.kappa.cuda.sim;

import static jcuda.driver.JCudaDriver.cuCtxSetCurrent;
import static jcuda.driver.JCudaDriver.cuDeviceGet;
import static jcuda.driver.JCudaDriver.cuDevicePrimaryCtxRetain;
import static jcuda.driver.JCudaDriver.cuInit;
import static jcuda.driver.JCudaDriver.cuLaunchKernel;
import static jcuda.driver.JCudaDriver.cuMemAlloc;
import static jcuda.driver.JCudaDriver.cuMemcpyDtoH;
import static jcuda.driver.JCudaDriver.cuMemcpyHtoD;
import static jcuda.driver.JCudaDriver.cuModuleGetFunction;
import static jcuda.driver.JCudaDriver.cuModuleLoadData;
import static jcuda.driver.JCudaDriver.cuStreamCreate;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kappa.cuda.natives.JCudaNatives;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import jcuda.CudaException;
import jcuda.NativePointerObject;
import jcuda.Pointer;
import jcuda.driver.CUcontext;
import jcuda.driver.CUdevice;
import jcuda.driver.CUdeviceptr;
import jcuda.driver.CUfunction;
import jcuda.driver.CUmodule;
import jcuda.driver.CUstream;
import jcuda.driver.CUstream_flags;
import jcuda.driver.JCudaDriver;
import org.assertj.core.api.ThrowableAssert;
import org.jspecify.annotations.Nullable;

/** A fresh simulated context with the sample kernels, for one test. Calls that fail throw. */
final class Simulation {

  private final SimulatedCuda cuda = SimulatedCuda.load();
  private final CUmodule module = new CUmodule();

  void open() {
    JCudaNatives.loadDriver();
    JCudaDriver.setExceptionsEnabled(true);
    cuda.control().reset();
    cuda.control().configure(SimulationControl.Setup.plain());
    cuInit(0);
    CUdevice device = new CUdevice();
    cuDeviceGet(device, 0);
    CUcontext context = new CUcontext();
    cuDevicePrimaryCtxRetain(context, device);
    cuCtxSetCurrent(context);
    cuModuleLoadData(module, samples());
  }

  void close() {
    cuda.control().reset();
    cuda.control().configure(SimulationControl.Setup.plain());
  }

  private byte[] samples() {
    try {
      return Files.readAllBytes(cuda.samples());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  SimulatedCuda cuda() {
    return cuda;
  }

  void configure(SimulationControl.Setup setup) {
    cuda.control().configure(setup);
  }

  SimulationControl.Counters counters() {
    return cuda.control().counters();
  }

  CUdeviceptr allocate(long bytes) {
    CUdeviceptr made = new CUdeviceptr();
    cuMemAlloc(made, bytes);
    return made;
  }

  CUdeviceptr floats(float... values) {
    CUdeviceptr made = allocate(4L * values.length);
    cuMemcpyHtoD(made, Pointer.to(values), 4L * values.length);
    return made;
  }

  float[] read(CUdeviceptr from, int count) {
    float[] values = new float[count];
    cuMemcpyDtoH(Pointer.to(values), from, 4L * count);
    return values;
  }

  CUstream stream() {
    CUstream made = new CUstream();
    cuStreamCreate(made, CUstream_flags.CU_STREAM_NON_BLOCKING);
    return made;
  }

  /** A stream whose work waits until {@link #release}. */
  CUstream heldStream() {
    CUstream made = stream();
    cuda.control().hold(addressOf(made));
    return made;
  }

  void release() {
    cuda.control().release();
  }

  CUfunction function(String name) {
    CUfunction found = new CUfunction();
    cuModuleGetFunction(found, module, name);
    return found;
  }

  void launch(
      String kernel,
      int blocks,
      int threads,
      int sharedBytes,
      @Nullable CUstream stream,
      Pointer... arguments) {
    cuLaunchKernel(
        function(kernel),
        blocks,
        1,
        1,
        threads,
        1,
        1,
        sharedBytes,
        stream,
        Pointer.to(arguments),
        null);
  }

  /** Checks that a call fails with this result. */
  static void assertFails(String result, ThrowableAssert.ThrowingCallable call) {
    assertThatThrownBy(call).isInstanceOf(CudaException.class).hasMessage(result);
  }

  /** JCuda's objects tell their address only in words. */
  static long addressOf(NativePointerObject object) {
    Matcher words = Pattern.compile("nativePointer=0x([0-9a-fA-F]+)").matcher(object.toString());
    assertThat(words.find()).isTrue();
    return Long.parseUnsignedLong(words.group(1), 16);
  }

  static Pointer of(int value) {
    return Pointer.to(new int[] {value});
  }

  static Pointer of(float value) {
    return Pointer.to(new float[] {value});
  }
}
