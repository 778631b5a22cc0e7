package dev.kappa.device.check;

import dev.kappa.device.Batch;
import dev.kappa.device.DType;
import dev.kappa.device.Device;
import dev.kappa.device.DeviceMemory;
import dev.kappa.device.Event;
import dev.kappa.device.HostMemory;
import dev.kappa.device.Kernels;
import dev.kappa.device.MatrixSource;
import dev.kappa.device.Memory;
import dev.kappa.device.Resources;
import dev.kappa.device.Stream;
import dev.kappa.device.Weight;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;

/** One of the two devices, with a stream and what one case has taken. Not thread-safe. */
final class Side implements AutoCloseable {

  final Device device;
  final Stream stream;
  final DType activation;
  private final Resources resources = new Resources();

  Side(Device device) {
    this.device = device;
    activation = device.info().activationType();
    stream = device.newStream("check");
  }

  Kernels kernels() {
    return device.kernels();
  }

  Event newEvent() {
    return resources.own(device.newEvent(), Event::close);
  }

  /** Bytes on the device. */
  DeviceMemory upload(MemorySegment bytes) {
    DeviceMemory memory = resources.own(device.allocate(bytes.byteSize()), DeviceMemory::close);
    try (HostMemory host = device.allocateHost(bytes.byteSize())) {
      host.segment().asSlice(0, bytes.byteSize()).copyFrom(bytes);
      stream.copy(memory, 0, host, 0, bytes.byteSize());
      stream.synchronize();
    }
    return memory;
  }

  /** Numbers as activations of this device. */
  DeviceMemory activations(float[] values) {
    return upload(values, activation);
  }

  DeviceMemory upload(float[] values, DType dtype) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment bytes = arena.allocate((long) values.length * dtype.bytes());
      for (int i = 0; i < values.length; i++) {
        if (dtype == DType.F32) {
          bytes.setAtIndex(ValueLayout.JAVA_FLOAT, i, values[i]);
        } else {
          bytes.set(ValueLayout.JAVA_SHORT_UNALIGNED, 2L * i, Values.toBf16(values[i]));
        }
      }
      return upload(bytes);
    }
  }

  /** Room for so many activations, all of them NaN. */
  DeviceMemory room(long activations) {
    return poisoned(activations * activation.bytes());
  }

  DeviceMemory poisoned(long bytes) {
    DeviceMemory memory = resources.own(device.allocate(bytes), DeviceMemory::close);
    try (HostMemory host = device.allocateHost(bytes)) {
      host.segment().fill((byte) 0xff);
      stream.copy(memory, 0, host, 0, bytes);
      stream.synchronize();
    }
    return memory;
  }

  HostMemory poisonedHost(long bytes) {
    HostMemory memory = resources.own(device.allocateHost(bytes), HostMemory::close);
    memory.segment().fill((byte) 0xff);
    return memory;
  }

  /** A matrix of {@code bfloat16}. */
  Weight weight(MemorySegment matrix, int columns) {
    MatrixSource source = new MatrixSource(DType.BF16, columns, List.of(matrix));
    return resources.own(device.loadWeight(source), Weight::close);
  }

  /** Several matrices of {@code bfloat16}, one behind the other. */
  Weight weights(MemorySegment matrices, int count, int columns) {
    int rows = Math.toIntExact(matrices.byteSize() / DType.BF16.bytes() / columns / count);
    MatrixSource source =
        new MatrixSource(DType.BF16, count, rows, columns, () -> List.of(matrices));
    return resources.own(device.loadWeight(source), Weight::close);
  }

  DeviceMemory vector(float[] values) {
    try (Arena arena = Arena.ofShared()) {
      MemorySegment bytes = arena.allocateFrom(ValueLayout.JAVA_FLOAT, values);
      return resources.own(device.loadVector(DType.F32, bytes), DeviceMemory::close);
    }
  }

  /** An empty batch. */
  Batch batch(int rows, int sequences, int blocks) {
    Batch batch = resources.own(new Batch(device, rows, sequences, blocks), Batch::close);
    batch.clear();
    return batch;
  }

  /** A batch of one sequence without KV; its i-th row has the i-th token. */
  Batch rows(int[] tokens) {
    Batch batch = batch(tokens.length, 1, 1);
    batch.beginSequence(tokens.length);
    for (int i = 0; i < tokens.length; i++) {
      batch.addRow(tokens[i], i);
    }
    return batch;
  }

  /** The bytes of any memory, once the stream's work is done. */
  byte[] read(Memory memory, int bytes) {
    if (memory instanceof HostMemory host) {
      stream.synchronize();
      return host.segment().asSlice(0, bytes).toArray(ValueLayout.JAVA_BYTE);
    }
    try (HostMemory host = device.allocateHost(bytes)) {
      host.segment().fill((byte) 0xff);
      stream.copy(host, 0, memory, 0, bytes);
      stream.synchronize();
      return host.segment().asSlice(0, bytes).toArray(ValueLayout.JAVA_BYTE);
    }
  }

  @Override
  public void close() {
    stream.close();
    resources.close();
  }
}
