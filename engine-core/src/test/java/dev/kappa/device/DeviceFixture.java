package dev.kappa.device;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.Supplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;

/** A device under test with a stream, and the ways of bringing numbers to it and back. */
abstract class DeviceFixture {

  protected static final long SEED = Long.getLong("kappa.test.seed", 20261123);

  protected final Random random = new Random(SEED);
  private List<AutoCloseable> owned = new ArrayList<>();
  protected Device device;
  protected Stream stream;

  /** Opens the device under test with so many threads; devices without threads ignore it. */
  protected abstract Device openDevice(int threads);

  /** Largest error of a result of order one, relative to exact arithmetic on the same inputs. */
  protected abstract double tolerance();

  /** The type in which the device keeps the elements of a weight; another one rounds them. */
  protected DType weightType(DType source) {
    return source;
  }

  @BeforeEach
  void openDevice() {
    device = openDevice(2);
    stream = device.newStream("test");
  }

  @AfterEach
  void closeDevice() throws Exception {
    stream.close();
    for (AutoCloseable resource : owned.reversed()) {
      resource.close();
    }
    assertThat(device.allocatedBytes()).as("bytes leaked").isZero();
    device.close();
  }

  /** Runs work on another device of the same kind, with so many threads, from the same seed. */
  protected <T> T onDevice(int threads, Supplier<T> work) throws Exception {
    Device outerDevice = device;
    Stream outerStream = stream;
    List<AutoCloseable> outerOwned = owned;
    device = openDevice(threads);
    stream = device.newStream("test");
    owned = new ArrayList<>();
    random.setSeed(SEED);
    try {
      return work.get();
    } finally {
      closeDevice();
      device = outerDevice;
      stream = outerStream;
      owned = outerOwned;
    }
  }

  /** Closes a resource after the test. */
  protected <T extends AutoCloseable> T own(T resource) {
    owned.add(resource);
    return resource;
  }

  /** Uniform in [-scale, scale], rounded to a type so that the reference sees the same numbers. */
  protected float[] randomFloats(int count, float scale, DType dtype) {
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = Numbers.round(dtype, (random.nextFloat() * 2 - 1) * scale);
    }
    return values;
  }

  protected float[] randomActivations(int count) {
    return randomFloats(count, 1f, device.info().activationType());
  }

  /** Device memory holding values of a type. */
  protected DeviceMemory upload(float[] values, DType dtype) {
    DeviceMemory memory = own(device.allocate((long) values.length * dtype.bytes()));
    write(memory, values, dtype);
    return memory;
  }

  protected DeviceMemory upload(float[] activations) {
    return upload(activations, device.info().activationType());
  }

  /** Overwrites memory on the stream and waits. */
  protected void write(DeviceMemory memory, float[] values, DType dtype) {
    long bytes = (long) values.length * dtype.bytes();
    try (HostMemory host = device.allocateHost(bytes)) {
      Numbers.write(dtype, values, host.segment());
      stream.copy(memory, 0, host, 0, bytes);
      stream.synchronize();
    }
  }

  /** Device memory for activations in which every element is NaN, so that gaps show. */
  protected DeviceMemory poisoned(int count) {
    return poisonedBytes((long) count * device.info().activationType().bytes());
  }

  protected DeviceMemory poisonedBytes(long bytes) {
    DeviceMemory memory = own(device.allocate(bytes));
    try (HostMemory host = device.allocateHost(bytes)) {
      host.segment().fill((byte) 0xff);
      stream.copy(memory, 0, host, 0, bytes);
      stream.synchronize();
    }
    return memory;
  }

  protected float[] download(DeviceMemory memory, int count, DType dtype) {
    long bytes = (long) count * dtype.bytes();
    try (HostMemory host = device.allocateHost(bytes)) {
      stream.copy(host, 0, memory, 0, bytes);
      stream.synchronize();
      return Numbers.read(dtype, host.segment(), count);
    }
  }

  protected float[] download(DeviceMemory memory, int count) {
    return download(memory, count, device.info().activationType());
  }

  protected Weight loadWeight(DType dtype, int columns, float[]... parts) {
    try (Arena arena = Arena.ofShared()) {
      List<MemorySegment> segments = new ArrayList<>();
      for (float[] part : parts) {
        MemorySegment segment = arena.allocate((long) part.length * dtype.bytes());
        Numbers.write(dtype, part, segment);
        segments.add(segment);
      }
      return own(device.loadWeight(new MatrixSource(dtype, columns, segments)));
    }
  }

  /** A vector of 32-bit floats on the device. */
  protected DeviceMemory loadVector(float[] values) {
    try (Arena arena = Arena.ofShared()) {
      MemorySegment segment = arena.allocateFrom(ValueLayout.JAVA_FLOAT, values);
      return own(device.loadVector(DType.F32, segment));
    }
  }

  /** A batch without KV: one sequence of so many rows. */
  protected Batch plainBatch(int[] tokens) {
    Batch batch = own(new Batch(device, tokens.length, 1, 1));
    batch.clear();
    batch.beginSequence(tokens.length);
    for (int i = 0; i < tokens.length; i++) {
      batch.addRow(tokens[i], i);
    }
    return batch;
  }

  /** Compares with a reference, allowing {@code scale} times the device's tolerance. */
  protected void assertClose(float[] actual, double[] expected, double scale, String what) {
    assertThat(actual.length).isEqualTo(expected.length);
    double allowed = tolerance() * scale;
    for (int i = 0; i < actual.length; i++) {
      double error = Math.abs(actual[i] - expected[i]);
      double bound = allowed * Math.max(1, Math.abs(expected[i]));
      if (!(error <= bound)) {
        throw new AssertionError(
            "%s, seed %d: element %d is %s, not %s (allowed %s)"
                .formatted(what, SEED, i, actual[i], expected[i], bound));
      }
    }
  }

  /** Compares bits. */
  protected static void assertSameBits(float[] actual, float[] expected, String what) {
    assertThat(actual.length).isEqualTo(expected.length);
    for (int i = 0; i < actual.length; i++) {
      if (Float.floatToRawIntBits(actual[i]) != Float.floatToRawIntBits(expected[i])) {
        throw new AssertionError(
            "%s, seed %d: element %d is %s, not exactly %s"
                .formatted(what, SEED, i, actual[i], expected[i]));
      }
    }
  }
}
