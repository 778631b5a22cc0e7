package dev.kappa.cuda.sim;

import static dev.kappa.cuda.sim.Simulation.addressOf;
import static dev.kappa.cuda.sim.Simulation.assertFails;
import static jcuda.driver.JCudaDriver.cuCtxGetDevice;
import static jcuda.driver.JCudaDriver.cuDevicePrimaryCtxRelease;
import static jcuda.driver.JCudaDriver.cuEventCreate;
import static jcuda.driver.JCudaDriver.cuEventDestroy;
import static jcuda.driver.JCudaDriver.cuEventElapsedTime;
import static jcuda.driver.JCudaDriver.cuEventQuery;
import static jcuda.driver.JCudaDriver.cuEventRecord;
import static jcuda.driver.JCudaDriver.cuEventSynchronize;
import static jcuda.driver.JCudaDriver.cuFuncSetAttribute;
import static jcuda.driver.JCudaDriver.cuGraphInstantiate;
import static jcuda.driver.JCudaDriver.cuGraphLaunch;
import static jcuda.driver.JCudaDriver.cuLaunchHostFunc;
import static jcuda.driver.JCudaDriver.cuLaunchKernel;
import static jcuda.driver.JCudaDriver.cuMemAlloc;
import static jcuda.driver.JCudaDriver.cuModuleGetFunction;
import static jcuda.driver.JCudaDriver.cuModuleLoadData;
import static jcuda.driver.JCudaDriver.cuStreamBeginCapture;
import static jcuda.driver.JCudaDriver.cuStreamEndCapture;
import static jcuda.driver.JCudaDriver.cuStreamSynchronize;
import static jcuda.driver.JCudaDriver.cuStreamWaitEvent;
import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.concurrent.CompletableFuture;
import jcuda.CudaException;
import jcuda.Pointer;
import jcuda.driver.CUdevice;
import jcuda.driver.CUdeviceptr;
import jcuda.driver.CUevent;
import jcuda.driver.CUfunction;
import jcuda.driver.CUfunction_attribute;
import jcuda.driver.CUgraph;
import jcuda.driver.CUgraphExec;
import jcuda.driver.CUhostFn;
import jcuda.driver.CUmodule;
import jcuda.driver.CUstream;
import jcuda.driver.CUstreamCaptureMode;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What the driver says about launches, events, captures and a context that has failed. */
class LaunchRulesTest {

  private static final String INVALID = "CUDA_ERROR_INVALID_VALUE";

  /** With another parameter for "reverse" than the sources have. */
  private static final String PTX =
      """
      .version 7.0
      .target sm_80
      .visible .entry scale(
        .param .u64 scale_param_0,
        .param .u64 .ptr .align 1 scale_param_1,
        .param .u32 scale_param_2,
        .param .f32 scale_param_3
      )
      .maxntid 16, 2, 1
      {
      }
      .visible .entry reverse(
        .param .align 8 .b8 reverse_param_0[16]
      )
      """;

  private final Simulation simulation = new Simulation();

  @BeforeEach
  void open() {
    simulation.open();
  }

  @AfterEach
  void close() {
    simulation.close();
  }

  @Test
  void refusesBlocksThatAreTooLarge() {
    CUdeviceptr values = simulation.floats(new float[2048]);
    simulation.launch("reverse", 1, 256, 0, null, Pointer.to(values));
    assertFails(INVALID, () -> simulation.launch("reverse", 1, 1025, 0, null, Pointer.to(values)));
    assertFails(INVALID, () -> simulation.launch("reverse", 0, 256, 0, null, Pointer.to(values)));
  }

  @Test
  void wantsConsentForMuchSharedMemory() {
    CUdeviceptr in = simulation.floats(1, 2, 3, 4);
    CUdeviceptr out = simulation.floats(0);
    sum(in, out, 48 << 10);
    assertFails(INVALID, () -> sum(in, out, (48 << 10) + 4));
    CUfunction function = simulation.function("rowSums");
    int attribute = CUfunction_attribute.CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES;
    assertFails(INVALID, () -> cuFuncSetAttribute(function, attribute, (99 << 10) + 1));
    cuFuncSetAttribute(function, attribute, 99 << 10);
    sum(in, out, 99 << 10);
    assertThat(simulation.read(out, 1)).containsExactly(10);
  }

  private void sum(CUdeviceptr in, CUdeviceptr out, int sharedBytes) {
    simulation.launch(
        "rowSums", 1, 64, sharedBytes, null, Pointer.to(in), Pointer.to(out), Simulation.of(4));
  }

  @Test
  void refusesArgumentsOfTheWrongSize() throws Throwable {
    CUdeviceptr values = simulation.floats(new float[256]);
    assertThat(launchPacked(values, 8)).isZero();
    assertThat(launchPacked(values, 4)).isOne();
    assertThat(launchPacked(values, 16)).isOne();
  }

  /** Launches through the packed form of arguments, which alone tells the driver a size. */
  private int launchPacked(CUdeviceptr values, long bytes) throws Throwable {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment packed = arena.allocate(16, 8);
      packed.set(ValueLayout.JAVA_LONG, 0, addressOf(values));
      MemorySegment size = arena.allocateFrom(ValueLayout.JAVA_LONG, bytes);
      MemorySegment extra =
          arena.allocateFrom(ValueLayout.JAVA_LONG, 1, packed.address(), 2, size.address(), 0);
      ValueLayout.OfInt word = ValueLayout.JAVA_INT;
      MethodHandle launch =
          Linker.nativeLinker()
              .downcallHandle(
                  SymbolLookup.libraryLookup("libcuda.so.1", Arena.global())
                      .findOrThrow("cuLaunchKernel"),
                  FunctionDescriptor.of(
                      word,
                      ValueLayout.JAVA_LONG,
                      word,
                      word,
                      word,
                      word,
                      word,
                      word,
                      word,
                      ValueLayout.JAVA_LONG,
                      ValueLayout.ADDRESS,
                      ValueLayout.ADDRESS));
      long function = addressOf(simulation.function("reverse"));
      return (int)
          launch.invokeExact(function, 1, 1, 1, 256, 1, 1, 0, 0L, MemorySegment.NULL, extra);
    }
  }

  @Test
  void keepsFailingAfterAFailedKernel() {
    CUstream stream = simulation.stream();
    CUdeviceptr values = simulation.floats(new float[32]);
    simulation.launch("divergentBarrier", 1, 32, 0, stream, Pointer.to(values));
    String failed = "CUDA_ERROR_LAUNCH_FAILED";
    assertFails(failed, () -> cuStreamSynchronize(stream));
    assertFails(failed, () -> cuMemAlloc(new CUdeviceptr(), 4));
    assertFails(failed, () -> cuEventCreate(new CUevent(), 0));
    simulation.open();
    assertThat(simulation.read(simulation.floats(1), 1)).containsExactly(1);
  }

  @Test
  void keepsFailingAfterAFailedCopy() {
    CUstream stream = simulation.stream();
    simulation.cuda().control().failCopy(2);
    simulation.floats(1);
    assertFails("CUDA_ERROR_ILLEGAL_ADDRESS", () -> simulation.floats(2));
    assertFails("CUDA_ERROR_ILLEGAL_ADDRESS", () -> cuStreamSynchronize(stream));
  }

  @Test
  void wantsAContextInEveryThread() {
    CompletableFuture.runAsync(
            () -> assertFails("CUDA_ERROR_INVALID_CONTEXT", () -> cuCtxGetDevice(new CUdevice())))
        .join();
  }

  @Test
  void knowsOnlyItsKernels() {
    assertFails("CUDA_ERROR_NOT_FOUND", () -> simulation.function("nothing"));
    assertFails(
        "CUDA_ERROR_INVALID_IMAGE",
        () -> cuModuleLoadData(new CUmodule(), new byte[] {'n', 'o', 'n', 'e', 0}));
  }

  @Test
  void replacesPtxByKernelsThatTheImageDescribes() {
    simulation.cuda().control().kernels(simulation.cuda().samples());
    try {
      CUmodule module = new CUmodule();
      cuModuleLoadData(module, PTX);
      CUfunction scale = new CUfunction();
      cuModuleGetFunction(scale, module, "scale");
      CUdeviceptr values = simulation.floats(1);
      Pointer arguments =
          Pointer.to(Pointer.to(values), Pointer.to(values), Simulation.of(1), Simulation.of(3f));
      cuLaunchKernel(scale, 1, 1, 1, 32, 1, 1, 0, null, arguments, null);
      assertFails(
          INVALID, () -> cuLaunchKernel(scale, 1, 1, 1, 33, 1, 1, 0, null, arguments, null));
      assertThat(simulation.read(values, 1)).containsExactly(3);
      assertFails(
          "CUDA_ERROR_NOT_FOUND", () -> cuModuleGetFunction(new CUfunction(), module, "rowSums"));
      assertFails(
          "CUDA_ERROR_INVALID_IMAGE",
          () -> cuModuleGetFunction(new CUfunction(), module, "reverse"));
    } finally {
      simulation.cuda().control().kernels(simulation.cuda().kernels());
    }
  }

  @Test
  void eventsTellTimeAndOrder() {
    simulation.configure(SimulationControl.Setup.plain().withDelayMicros(1000).withSeed(3));
    CUstream stream = simulation.stream();
    CUevent start = event();
    CUevent end = event();
    assertThat(cuEventQuery(start)).isZero();
    assertFails("CUDA_ERROR_INVALID_HANDLE", () -> cuEventElapsedTime(new float[1], start, end));
    cuEventRecord(start, stream);
    CUdeviceptr values = simulation.floats(new float[256]);
    simulation.launch("reverse", 1, 256, 0, stream, Pointer.to(values));
    cuEventRecord(end, stream);
    cuEventSynchronize(end);
    float[] millis = new float[1];
    cuEventElapsedTime(millis, start, end);
    assertThat(millis[0]).isPositive();
    cuEventDestroy(end);
    assertFails("CUDA_ERROR_INVALID_HANDLE", () -> cuEventSynchronize(end));
    assertThat(simulation.counters().events()).isOne();
  }

  @Test
  void graphsRunWhatWasCaptured() {
    CUstream stream = simulation.stream();
    CUdeviceptr values = simulation.floats(1);
    cuStreamBeginCapture(stream, CUstreamCaptureMode.CU_STREAM_CAPTURE_MODE_GLOBAL);
    triple(stream, values);
    triple(stream, values);
    CUgraph graph = new CUgraph();
    cuStreamEndCapture(stream, graph);
    assertThat(simulation.read(values, 1)).containsExactly(1);
    CUgraphExec executable = new CUgraphExec();
    cuGraphInstantiate(executable, graph, 0);
    cuGraphLaunch(executable, stream);
    cuGraphLaunch(executable, stream);
    cuStreamSynchronize(stream);
    assertThat(simulation.read(values, 1)).containsExactly(81);
  }

  @Test
  void capturesTakeInStreamsThatWaitForThem() {
    CUstream stream = simulation.stream();
    CUstream other = simulation.stream();
    CUdeviceptr values = simulation.floats(1);
    cuStreamBeginCapture(stream, CUstreamCaptureMode.CU_STREAM_CAPTURE_MODE_GLOBAL);
    CUevent fork = event();
    cuEventRecord(fork, stream);
    cuStreamWaitEvent(other, fork, 0);
    triple(other, values);
    CUevent join = event();
    cuEventRecord(join, other);
    assertFails("CUDA_ERROR_CAPTURED_EVENT", () -> cuEventQuery(join));
    cuStreamWaitEvent(stream, join, 0);
    triple(stream, values);
    CUgraph graph = new CUgraph();
    cuStreamEndCapture(stream, graph);
    CUgraphExec executable = new CUgraphExec();
    cuGraphInstantiate(executable, graph, 0);
    cuGraphLaunch(executable, stream);
    cuStreamSynchronize(stream);
    triple(other, values);
    cuStreamSynchronize(other);
    assertThat(simulation.read(values, 1)).containsExactly(27);
  }

  private void triple(CUstream stream, CUdeviceptr values) {
    simulation.launch(
        "scale",
        1,
        32,
        0,
        stream,
        Pointer.to(values),
        Pointer.to(values),
        Simulation.of(1),
        Simulation.of(3f));
  }

  @Test
  void capturesRefuseToWaitForOutsideEvents() {
    CUstream stream = simulation.stream();
    CUstream other = simulation.stream();
    CUevent outside = event();
    cuEventRecord(outside, other);
    cuStreamBeginCapture(stream, CUstreamCaptureMode.CU_STREAM_CAPTURE_MODE_GLOBAL);
    assertFails("CUDA_ERROR_STREAM_CAPTURE_ISOLATION", () -> cuStreamWaitEvent(stream, outside, 0));
    assertFails(
        "CUDA_ERROR_STREAM_CAPTURE_INVALIDATED", () -> cuStreamEndCapture(stream, new CUgraph()));
  }

  @Test
  void hostFunctionsMayNotCallTheDriver() {
    CUstream stream = simulation.stream();
    CompletableFuture<String> failure = new CompletableFuture<>();
    CUhostFn function =
        _ -> {
          try {
            cuCtxGetDevice(new CUdevice());
            failure.complete("none");
          } catch (CudaException e) {
            failure.complete(String.valueOf(e.getMessage()));
          }
        };
    cuLaunchHostFunc(stream, function, "");
    cuStreamSynchronize(stream);
    assertThat(failure.join()).isEqualTo("CUDA_ERROR_NOT_PERMITTED");
  }

  @Test
  void countsWhatIsLeftInTheContext() {
    simulation.stream();
    simulation.allocate(4);
    event();
    cuDevicePrimaryCtxRelease(new CUdevice());
    assertThat(simulation.counters().leaks()).isEqualTo(3);
    assertThat(simulation.counters().deviceBytes()).isZero();
  }

  @Test
  void capturesRefuseToSynchronize() {
    CUstream stream = simulation.stream();
    cuStreamBeginCapture(stream, CUstreamCaptureMode.CU_STREAM_CAPTURE_MODE_GLOBAL);
    assertFails("CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED", () -> cuStreamSynchronize(stream));
  }

  private static CUevent event() {
    CUevent made = new CUevent();
    cuEventCreate(made, 0);
    return made;
  }
}
