package dev.kappa.cuda.sim;

import static dev.kappa.cuda.sim.Simulation.addressOf;
import static jcuda.driver.JCudaDriver.cuCtxSynchronize;
import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.stream.IntStream;
import jcuda.Pointer;
import jcuda.driver.CUdeviceptr;
import jcuda.driver.CUstream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Batched copies as the driver of CUDA 13 has them, which JCuda does not bind. */
class BatchCopyTest {

  private static final int INVALID_VALUE = 1;
  private static final int STREAM = 1;
  private static final int ANY = 3;
  private static final int ATTRIBUTE_BYTES = 24;
  private static final int COUNT = 1024;

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
  void copiesAll() {
    CUstream stream = simulation.stream();
    CUdeviceptr from = simulation.floats(1, 2, 3, 4);
    CUdeviceptr to = simulation.floats(0, 0, 0, 0);
    long[] targets = {addressOf(to), addressOf(to) + 8};
    long[] sources = {addressOf(from) + 8, addressOf(from)};
    assertThat(copy(targets, sources, new long[] {8, 4}, STREAM, addressOf(stream))).isZero();
    cuCtxSynchronize();
    assertThat(simulation.read(to, 4)).containsExactly(3, 4, 1, 0);
  }

  @Test
  void refusesWhatItCannotCopy() {
    long stream = addressOf(simulation.stream());
    long[] address = {addressOf(simulation.floats(1, 2, 3, 4))};
    long[] other = {addressOf(simulation.floats(1, 2, 3, 4))};
    assertThat(copy(address, other, new long[] {16}, STREAM, stream)).isZero();
    assertThat(copy(address, other, new long[] {20}, STREAM, stream)).isEqualTo(INVALID_VALUE);
    assertThat(copy(address, other, new long[] {16}, 0, stream)).isEqualTo(INVALID_VALUE);
    assertThat(copy(address, other, new long[] {16}, STREAM, 0)).isEqualTo(INVALID_VALUE);
    cuCtxSynchronize();
  }

  @Test
  void showsSourcesOnTheDeviceThatAreReadInAnyOrder() {
    assertThat(storedRight(STREAM)).isTrue();
    assertThat(storedRight(ANY)).isFalse();
  }

  /** A kernel computes late, then the same stream copies what it computed. */
  private boolean storedRight(int order) {
    CUstream stream = simulation.heldStream();
    float[] ones = new float[COUNT];
    Arrays.fill(ones, 1);
    CUdeviceptr values = simulation.floats(ones);
    CUdeviceptr copy = simulation.floats(ones);
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
    copy(
        new long[] {addressOf(copy)},
        new long[] {addressOf(values)},
        new long[] {4L * COUNT},
        order,
        addressOf(stream));
    simulation.release();
    cuCtxSynchronize();
    float[] found = simulation.read(copy, COUNT);
    return IntStream.range(0, COUNT).allMatch(i -> found[i] == 2);
  }

  private static int copy(long[] targets, long[] sources, long[] sizes, int order, long stream) {
    ValueLayout.OfLong number = ValueLayout.JAVA_LONG;
    MemoryLayout pointer = ValueLayout.ADDRESS;
    FunctionDescriptor signature =
        FunctionDescriptor.of(
            ValueLayout.JAVA_INT,
            pointer,
            pointer,
            pointer,
            number,
            pointer,
            pointer,
            number,
            number);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment attributes = arena.allocate(ATTRIBUTE_BYTES, 8);
      attributes.set(ValueLayout.JAVA_INT, 0, order);
      MemorySegment function =
          SymbolLookup.libraryLookup("libcuda.so.1", Arena.global())
              .findOrThrow("cuMemcpyBatchAsync_v2");
      return (int)
          Linker.nativeLinker()
              .downcallHandle(function, signature)
              .invoke(
                  arena.allocateFrom(number, targets),
                  arena.allocateFrom(number, sources),
                  arena.allocateFrom(number, sizes),
                  (long) sizes.length,
                  attributes,
                  arena.allocateFrom(number, 0),
                  1L,
                  stream);
    } catch (RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      // A downcall throws nothing itself; method handles only declare that they might.
      throw new IllegalStateException(e);
    }
  }
}
