package dev.kappa.cuda.sim;

import static dev.kappa.cuda.sim.Simulation.assertFails;
import static jcuda.driver.JCudaDriver.cuCtxSynchronize;
import static jcuda.driver.JCudaDriver.cuEventCreate;
import static jcuda.driver.JCudaDriver.cuEventRecord;
import static jcuda.driver.JCudaDriver.cuMemFree;
import static jcuda.driver.JCudaDriver.cuMemcpyDtoHAsync;
import static jcuda.driver.JCudaDriver.cuMemcpyHtoDAsync;
import static jcuda.driver.JCudaDriver.cuStreamSynchronize;
import static jcuda.driver.JCudaDriver.cuStreamWaitEvent;
import static org.assertj.core.api.Assertions.assertThat;

import dev.kappa.cuda.sim.SimulationControl.Setup;
import java.util.function.BooleanSupplier;
import java.util.stream.IntStream;
import jcuda.Pointer;
import jcuda.driver.CUdeviceptr;
import jcuda.driver.CUevent;
import jcuda.driver.CUstream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The usual mistakes show on the simulated device. Where they are mistakes of order, what should
 * have been waited for is held up until the rest is done; what waits is right under any delays.
 */
class PlantedBugsTest {

  private static final int COUNT = 1024;
  private static final int SEEDS = 40;
  private static final int DELAY_MICROS = 200;

  private static final String ILLEGAL = "CUDA_ERROR_ILLEGAL_ADDRESS";
  private static final String FAILED = "CUDA_ERROR_LAUNCH_FAILED";

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
  void showsStoresThatDoNotWaitForTheKernel() {
    assertRightUnderDelays(() -> storedRight(true));
    assertThat(storedRight(false)).isFalse();
  }

  @Test
  void showsKernelsThatDoNotWaitForTheLoad() {
    assertRightUnderDelays(() -> loadedRight(true));
    assertThat(loadedRight(false)).isFalse();
  }

  @Test
  void showsHostsThatDoNotWaitForTheCopy() {
    assertRightUnderDelays(() -> seenRight(true));
    assertThat(seenRight(false)).isFalse();
  }

  private void assertRightUnderDelays(BooleanSupplier right) {
    for (int seed = 0; seed < SEEDS; seed++) {
      simulation.open();
      simulation.configure(Setup.plain().withSeed(seed).withDelayMicros(DELAY_MICROS));
      assertThat(right.getAsBoolean()).as("seed %d", seed).isTrue();
    }
    simulation.open();
  }

  /** The stream that should be waited for: nobody waits for one that is held up. */
  private CUstream awaited(boolean wait) {
    return wait ? simulation.stream() : simulation.heldStream();
  }

  /** A kernel computes on one stream, another stream stores what it computed. */
  private boolean storedRight(boolean wait) {
    CUstream compute = awaited(wait);
    CUstream store = simulation.stream();
    CUdeviceptr values = filled(1);
    try (PinnedMemory host = PinnedMemory.ofFloats(COUNT)) {
      scale(compute, values);
      if (wait) {
        order(compute, store);
      }
      cuMemcpyDtoHAsync(host.at(0), values, 4L * COUNT, store);
      cuStreamSynchronize(store);
      simulation.release();
      cuCtxSynchronize();
      return host.holds(COUNT, 2);
    }
  }

  /** One stream loads, a kernel on another computes with it. */
  private boolean loadedRight(boolean wait) {
    CUstream load = awaited(wait);
    CUstream compute = simulation.stream();
    CUdeviceptr values = filled(1);
    try (PinnedMemory host = PinnedMemory.ofFloats(COUNT)) {
      host.fill(COUNT, 5);
      cuMemcpyHtoDAsync(values, host.at(0), 4L * COUNT, load);
      if (wait) {
        order(load, compute);
      }
      scale(compute, values);
      cuStreamSynchronize(compute);
      simulation.release();
      cuCtxSynchronize();
      for (float value : simulation.read(values, COUNT)) {
        if (value != 10) {
          return false;
        }
      }
      return true;
    }
  }

  /** The host reads what a copy brings. */
  private boolean seenRight(boolean wait) {
    CUstream stream = awaited(wait);
    CUdeviceptr values = filled(3);
    try (PinnedMemory host = PinnedMemory.ofFloats(COUNT)) {
      cuMemcpyDtoHAsync(host.at(0), values, 4L * COUNT, stream);
      if (wait) {
        cuStreamSynchronize(stream);
      }
      boolean right = host.holds(COUNT, 3);
      simulation.release();
      cuCtxSynchronize();
      return right;
    }
  }

  @Test
  void showsMissingBarriersInOneOrder() {
    assertThat(reversedRight(false) && reversedRight(true)).isFalse();
  }

  private boolean reversedRight(boolean reverse) {
    simulation.configure(Setup.plain().withReverse(reverse));
    float[] ascending = new float[256];
    for (int i = 0; i < ascending.length; i++) {
      ascending[i] = i;
    }
    CUdeviceptr values = simulation.floats(ascending);
    simulation.launch("missingBarrier", 1, 256, 0, null, Pointer.to(values));
    float[] result = simulation.read(values, 256);
    return IntStream.range(0, 256).allMatch(i -> result[i] == 255 - i);
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void showsDivergentBarriers(boolean reverse) {
    simulation.configure(Setup.plain().withReverse(reverse));
    CUdeviceptr values = filled(1);
    simulation.launch("divergentBarrier", 1, 32, 0, null, Pointer.to(values));
    assertFails(FAILED, () -> cuCtxSynchronize());
  }

  @Test
  void showsSharedMemoryThatNobodyWrote() {
    CUdeviceptr values = filled(1);
    simulation.launch("reverse", 4, 256, 0, null, Pointer.to(values));
    simulation.launch("uninitialisedShared", 1, 256, 0, null, Pointer.to(values));
    float[] result = simulation.read(values, 256);
    assertThat(result[0]).isEqualTo(1);
    assertThat(result[1]).isNaN();
  }

  @Test
  void showsStoresPastAnAllocation() {
    CUdeviceptr values = filled(1);
    simulation.launch("storePastEnd", 1, 1, 0, null, Pointer.to(values), Simulation.of(COUNT - 1));
    cuCtxSynchronize();
    simulation.launch("storePastEnd", 1, 1, 0, null, Pointer.to(values), Simulation.of(COUNT));
    assertFails(ILLEGAL, () -> cuCtxSynchronize());
  }

  @Test
  void showsStoresPastSharedMemory() {
    CUdeviceptr values = filled(1);
    simulation.launch("storePastShared", 1, 1, 64, null, Pointer.to(values), Simulation.of(15));
    cuCtxSynchronize();
    simulation.launch("storePastShared", 1, 1, 64, null, Pointer.to(values), Simulation.of(16));
    assertFails(FAILED, () -> cuCtxSynchronize());
  }

  @Test
  void showsMisalignedVectors() {
    CUdeviceptr values = filled(1);
    simulation.launch("loadFour", 1, 1, 0, null, Pointer.to(values), Simulation.of(4));
    cuCtxSynchronize();
    simulation.launch("loadFour", 1, 1, 0, null, Pointer.to(values), Simulation.of(2));
    assertFails(FAILED, () -> cuCtxSynchronize());
  }

  @Test
  void showsCopiesOfMemoryThatWasFreedMeanwhile() {
    CUstream stream = simulation.heldStream();
    CUdeviceptr values = filled(1);
    try (PinnedMemory host = PinnedMemory.ofFloats(COUNT)) {
      cuMemcpyDtoHAsync(host.at(0), values, 4L * COUNT, stream);
      cuMemFree(values);
      simulation.release();
      assertFails(ILLEGAL, () -> cuStreamSynchronize(stream));
    }
  }

  @Test
  void showsKernelsThatUseMemoryOfTheHost() {
    try (PinnedMemory host = new PinnedMemory(4 * COUNT)) {
      host.fill(COUNT, 1);
      host.register(0, 4 * COUNT);
      simulation.launch("reverse", 1, 256, 0, null, Pointer.to(host.address()));
      cuCtxSynchronize();
      host.unregister(0);
      simulation.launch("reverse", 1, 256, 0, null, Pointer.to(host.address()));
      assertFails(ILLEGAL, () -> cuCtxSynchronize());
    }
  }

  @Test
  void showsKernelsThatUseFreedMemory() {
    CUdeviceptr values = filled(1);
    cuMemFree(values);
    simulation.launch("reverse", 1, 256, 0, null, Pointer.to(values));
    assertFails(ILLEGAL, () -> cuCtxSynchronize());
  }

  private CUdeviceptr filled(float value) {
    float[] values = new float[COUNT];
    java.util.Arrays.fill(values, value);
    return simulation.floats(values);
  }

  private void scale(CUstream stream, CUdeviceptr values) {
    simulation.launch(
        "scale",
        COUNT / 256,
        256,
        0,
        stream,
        Pointer.to(values),
        Pointer.to(values),
        Simulation.of(COUNT),
        Simulation.of(2f));
  }

  private static void order(CUstream first, CUstream then) {
    CUevent event = new CUevent();
    cuEventCreate(event, 0);
    cuEventRecord(event, first);
    cuStreamWaitEvent(then, event, 0);
  }
}
