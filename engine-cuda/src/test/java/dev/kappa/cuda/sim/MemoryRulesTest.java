package dev.kappa.cuda.sim;

import static dev.kappa.cuda.sim.Simulation.assertFails;
import static jcuda.driver.JCudaDriver.cuMemAlloc;
import static jcuda.driver.JCudaDriver.cuMemAllocManaged;
import static jcuda.driver.JCudaDriver.cuMemFree;
import static jcuda.driver.JCudaDriver.cuMemGetInfo;
import static jcuda.driver.JCudaDriver.cuMemHostGetDevicePointer;
import static jcuda.driver.JCudaDriver.cuMemcpy2DAsync;
import static jcuda.driver.JCudaDriver.cuMemcpyDtoHAsync;
import static jcuda.driver.JCudaDriver.cuMemcpyHtoD;
import static jcuda.driver.JCudaDriver.cuMemcpyHtoDAsync;
import static jcuda.driver.JCudaDriver.cuStreamSynchronize;
import static org.assertj.core.api.Assertions.assertThat;

import jcuda.Pointer;
import jcuda.driver.CUDA_MEMCPY2D;
import jcuda.driver.CUdeviceptr;
import jcuda.driver.CUmemorytype;
import jcuda.driver.CUstream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What the driver says about memory that a copy may not touch. */
class MemoryRulesTest {

  private static final int PAGE = 4096;
  private static final String INVALID = "CUDA_ERROR_INVALID_VALUE";

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
  void refusesCopiesOverTwoRegistrations() {
    CUstream stream = simulation.stream();
    CUdeviceptr device = simulation.allocate(2 * PAGE);
    try (PinnedMemory host = new PinnedMemory(2 * PAGE)) {
      host.register(0, PAGE);
      host.register(PAGE, PAGE);
      cuMemcpyHtoDAsync(device, host.at(0), PAGE, stream);
      assertFails(INVALID, () -> cuMemcpyHtoDAsync(device, host.at(0), PAGE + 1, stream));
      assertFails(INVALID, () -> cuMemcpyDtoHAsync(host.at(100), device, PAGE, stream));
      cuStreamSynchronize(stream);
    }
  }

  @Test
  void refusesCopiesOfPartlyRegisteredMemory() {
    CUstream stream = simulation.stream();
    CUdeviceptr device = simulation.allocate(2 * PAGE);
    try (PinnedMemory host = new PinnedMemory(2 * PAGE)) {
      host.register(0, PAGE);
      assertFails(INVALID, () -> cuMemcpyHtoDAsync(device, host.at(0), 2 * PAGE, stream));
    }
  }

  @Test
  void refusesCopiesPastAnAllocation() {
    CUdeviceptr device = simulation.allocate(100);
    float[] values = new float[26];
    cuMemcpyHtoD(device, Pointer.to(values), 100);
    assertFails(INVALID, () -> cuMemcpyHtoD(device, Pointer.to(values), 104));
    assertFails(INVALID, () -> cuMemcpyHtoD(device.withByteOffset(4), Pointer.to(values), 100));
    assertFails(INVALID, () -> cuMemcpyHtoD(device.withByteOffset(-4), Pointer.to(values), 8));
  }

  @Test
  void refusesDoubleAndUnknownRegistrations() {
    try (PinnedMemory host = new PinnedMemory(2 * PAGE)) {
      host.register(0, PAGE);
      assertFails("CUDA_ERROR_HOST_MEMORY_ALREADY_REGISTERED", () -> host.register(0, 2 * PAGE));
      assertFails("CUDA_ERROR_HOST_MEMORY_NOT_REGISTERED", () -> host.unregister(PAGE));
      assertFails(INVALID, () -> cuMemHostGetDevicePointer(new CUdeviceptr(), host.at(PAGE), 0));
      cuMemHostGetDevicePointer(new CUdeviceptr(), host.at(0), 0);
      host.unregister(0);
      assertThat(simulation.counters().registrations()).isZero();
    }
  }

  @Test
  void refusesToPinMoreThanItsLimit() {
    simulation.cuda().control().limitPinned(PAGE);
    try (PinnedMemory host = new PinnedMemory(2 * PAGE)) {
      assertFails("CUDA_ERROR_OUT_OF_MEMORY", () -> host.register(0, 2 * PAGE));
      host.register(0, PAGE);
    }
  }

  @Test
  void runsOutOfMemory() {
    simulation.configure(SimulationControl.Setup.plain().withMemoryBytes(1 << 20));
    CUdeviceptr first = simulation.allocate(1 << 19);
    long[] free = new long[1];
    long[] total = new long[1];
    cuMemGetInfo(free, total);
    assertThat(free[0]).isEqualTo(1 << 19);
    assertThat(total[0]).isEqualTo(1 << 20);
    assertFails("CUDA_ERROR_OUT_OF_MEMORY", () -> cuMemAlloc(new CUdeviceptr(), (1 << 19) + 1));
    cuMemFree(first);
    cuMemGetInfo(free, total);
    assertThat(free[0]).isEqualTo(1 << 20);
    assertFails(INVALID, () -> cuMemFree(first));
    assertFails(INVALID, () -> cuMemAlloc(new CUdeviceptr(), 0));
  }

  @Test
  void newMemoryHoldsPoison() {
    assertThat(simulation.read(simulation.allocate(400), 100)).containsOnly(Float.NaN);
  }

  @Test
  void copiesRowsAPitchApart() {
    CUstream stream = simulation.stream();
    CUdeviceptr device = simulation.floats(new float[12]);
    try (PinnedMemory host = PinnedMemory.ofFloats(8)) {
      for (int i = 0; i < 8; i++) {
        host.set(i, i + 1);
      }
      cuMemcpy2DAsync(rectangle(host.at(0), 16, device, 24, 8, 2), stream);
      cuStreamSynchronize(stream);
      assertThat(simulation.read(device, 12)).containsExactly(1, 2, 0, 0, 0, 0, 5, 6, 0, 0, 0, 0);
    }
  }

  @Test
  void refusesPitchesAndRectanglesOutOfRange() {
    CUstream stream = simulation.stream();
    CUdeviceptr device = simulation.allocate(PAGE);
    try (PinnedMemory host = PinnedMemory.ofFloats(1024)) {
      cuMemcpy2DAsync(rectangle(host.at(0), 64, device, 64, 64, 64), stream);
      assertFails(
          INVALID, () -> cuMemcpy2DAsync(rectangle(host.at(0), 63, device, 64, 64, 2), stream));
      assertFails(
          INVALID, () -> cuMemcpy2DAsync(rectangle(host.at(0), 64, device, 63, 64, 2), stream));
      assertFails(
          INVALID, () -> cuMemcpy2DAsync(rectangle(host.at(0), 64, device, 64, 64, 65), stream));
      assertFails(
          INVALID,
          () -> cuMemcpy2DAsync(rectangle(host.at(0), 1L << 31, device, 64, 64, 1), stream));
      cuMemcpy2DAsync(rectangle(host.at(0), (1L << 31) - 1, device, 64, 64, 1), stream);
      cuStreamSynchronize(stream);
    }
  }

  @Test
  void readsPageableMemoryBeforeItReturns() {
    simulation.configure(SimulationControl.Setup.plain().withDelayMicros(2000));
    CUstream stream = simulation.stream();
    CUdeviceptr device = simulation.allocate(4000);
    try (PinnedMemory host = new PinnedMemory(4000)) {
      host.fill(1000, 1);
      cuMemcpyHtoDAsync(device, host.at(0), 4000, stream);
      host.fill(1000, 2);
      cuMemcpyDtoHAsync(host.at(0), device, 4000, stream);
      assertThat(host.holds(1000, 1)).isTrue();
    }
  }

  @Test
  void saysWhatIsNotSimulated() {
    assertFails("CUDA_ERROR_NOT_SUPPORTED", () -> cuMemAllocManaged(new CUdeviceptr(), PAGE, 1));
    assertThat(simulation.counters().unsupportedCalls()).isOne();
  }

  private static CUDA_MEMCPY2D rectangle(
      Pointer host, long hostPitch, CUdeviceptr device, long devicePitch, long width, long height) {
    CUDA_MEMCPY2D copy = new CUDA_MEMCPY2D();
    copy.srcMemoryType = CUmemorytype.CU_MEMORYTYPE_HOST;
    copy.srcHost = host;
    copy.srcPitch = hostPitch;
    copy.dstMemoryType = CUmemorytype.CU_MEMORYTYPE_DEVICE;
    copy.dstDevice = device;
    copy.dstPitch = devicePitch;
    copy.WidthInBytes = width;
    copy.Height = height;
    return copy;
  }
}
