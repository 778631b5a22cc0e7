package dev.kappa.cuda.sim;

import static jcuda.driver.JCudaDriver.cuMemHostRegister;
import static jcuda.driver.JCudaDriver.cuMemHostUnregister;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import jcuda.Pointer;
import jcuda.driver.CUdeviceptr;

/** Host memory of a test, of which parts are registered. */
final class PinnedMemory implements AutoCloseable {

  private static final int PAGE = 4096;

  private final Arena arena = Arena.ofShared();
  private final MemorySegment bytes;

  PinnedMemory(long size) {
    bytes = arena.allocate(size, PAGE);
  }

  /** All of it registered. */
  static PinnedMemory ofFloats(int count) {
    PinnedMemory made = new PinnedMemory(4L * count);
    made.register(0, 4L * count);
    return made;
  }

  void register(long offset, long size) {
    cuMemHostRegister(at(offset), size, 0);
  }

  void unregister(long offset) {
    cuMemHostUnregister(at(offset));
  }

  Pointer at(long offset) {
    return Pointer.to(bytes.asSlice(offset).asByteBuffer());
  }

  /** As kernels see it. */
  CUdeviceptr address() {
    return new CUdeviceptr().withByteOffset(bytes.address());
  }

  void set(int index, float value) {
    bytes.setAtIndex(ValueLayout.JAVA_FLOAT, index, value);
  }

  float get(int index) {
    return bytes.getAtIndex(ValueLayout.JAVA_FLOAT, index);
  }

  void fill(int count, float value) {
    for (int i = 0; i < count; i++) {
      set(i, value);
    }
  }

  /** Whether all of the first values are this one. */
  boolean holds(int count, float value) {
    for (int i = 0; i < count; i++) {
      if (get(i) != value) {
        return false;
      }
    }
    return true;
  }

  @Override
  public void close() {
    arena.close();
  }
}
