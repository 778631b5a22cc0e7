package dev.kappa.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kappa.device.DType;
import dev.kappa.device.Device;
import dev.kappa.device.DeviceMemory;
import dev.kappa.device.HostMemory;
import dev.kappa.device.MatrixSource;
import dev.kappa.device.Stream;
import dev.kappa.device.Weight;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Where bits must not depend on the batch, a product's row has the same in any place of any. */
abstract class CudaRowBits {

  private static final int[] PLACES = {0, 63, 64, 127};

  /** Columns of the weight. */
  abstract int columns();

  /** Rows of the weight. */
  abstract int outputs();

  @Test
  void aRowsBitsDoNotDependOnTheOthersWhereThatIsWanted() {
    try (Device device = new CudaDevice(0, true)) {
      int[] alone = bits(device, 1, 0);
      for (int rows : new int[] {2, 17, 64, 128, 129, 200}) {
        assertThat(bits(device, rows, 0)).as("first of %d rows", rows).isEqualTo(alone);
        assertThat(bits(device, rows, rows - 1)).as("last of %d rows", rows).isEqualTo(alone);
      }
    }
  }

  @Test
  void aRowsBitsDoNotDependOnItsPlaceWhereThatIsWanted() {
    try (Device device = new CudaDevice(0, true)) {
      int[] alone = bits(device, 1, 0);
      for (int place : PLACES) {
        assertThat(bits(device, 128, place)).as("row %d of 128", place).isEqualTo(alone);
      }
    }
  }

  /**
   * Bits of a product's row, which is always made of the same numbers.
   *
   * @param rows how many there are
   * @param place which one it is; the others are of other numbers
   */
  final int[] bits(Device device, int rows, int place) {
    int columns = columns();
    int outputs = outputs();
    long outBytes = (long) rows * outputs * Float.BYTES;
    try (Stream stream = device.newStream("test");
        Weight weight = weight(device);
        HostMemory host = device.allocateHost(Math.max(outBytes, rows * columns * 2L));
        DeviceMemory in = device.allocate(rows * columns * 2L);
        DeviceMemory out = device.allocate(outBytes)) {
      Random others = new Random(100 + place);
      Random own = new Random(2);
      for (int i = 0; i < rows * columns; i++) {
        Random random = i / columns == place ? own : others;
        host.segment().setAtIndex(ValueLayout.JAVA_SHORT, i, bf16(random));
      }
      stream.copy(in, 0, host, 0, in.bytes());
      device.kernels().logits(stream, in, rows, weight, out);
      stream.copy(host, 0, out, 0, out.bytes());
      stream.synchronize();
      long rowBytes = outputs * (long) Integer.BYTES;
      return host.segment().asSlice(place * rowBytes, rowBytes).toArray(ValueLayout.JAVA_INT);
    }
  }

  private Weight weight(Device device) {
    try (Arena arena = Arena.ofShared()) {
      Random random = new Random(1);
      int count = outputs() * columns();
      MemorySegment matrix = arena.allocate(2L * count, 2);
      for (int i = 0; i < count; i++) {
        matrix.setAtIndex(ValueLayout.JAVA_SHORT, i, bf16(random));
      }
      return device.loadWeight(new MatrixSource(DType.BF16, columns(), List.of(matrix)));
    }
  }

  private static short bf16(Random random) {
    return (short) (Float.floatToRawIntBits(random.nextFloat() - 0.5f) >>> 16);
  }
}
