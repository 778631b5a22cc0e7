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
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * The simulated cuBLAS adds up in an order that depends on the number of rows, as the real one
 * does, so that it shows whether a device relies on it.
 */
class CudaDeterminismTest {

  private static final int COLUMNS = 512;
  private static final int OUTPUTS = 64;
  private static final int ROWS = 200;

  @BeforeEach
  void simulate() {
    SimulatedGpu.reset();
  }

  @Test
  void aRowsBitsDependOnTheOthersByDefault() {
    try (Device device = new CudaDevice(0, false)) {
      assertThat(firstRow(device, ROWS)).isNotEqualTo(firstRow(device, 1));
    }
  }

  @Test
  void aRowsBitsDoNotDependOnTheOthersWhereThatIsWanted() {
    try (Device device = new CudaDevice(0, true)) {
      int[] alone = firstRow(device, 1);
      for (int rows : new int[] {2, 17, 64, 128, 129, ROWS}) {
        assertThat(firstRow(device, rows)).as("%d rows", rows).isEqualTo(alone);
      }
    }
  }

  /** Bits of a product's first row. */
  private static int[] firstRow(Device device, int rows) {
    int outBytes = rows * OUTPUTS * Float.BYTES;
    try (Stream stream = device.newStream("test");
        Weight weight = weight(device);
        HostMemory host = device.allocateHost(Math.max(outBytes, rows * COLUMNS * 2));
        DeviceMemory in = device.allocate(rows * COLUMNS * 2L);
        DeviceMemory out = device.allocate(outBytes)) {
      Random random = new Random(2);
      for (int i = 0; i < rows * COLUMNS; i++) {
        host.segment().setAtIndex(ValueLayout.JAVA_SHORT, i, bf16(random));
      }
      stream.copy(in, 0, host, 0, in.bytes());
      device.kernels().logits(stream, in, rows, weight, out);
      stream.copy(host, 0, out, 0, out.bytes());
      stream.synchronize();
      return host.segment().asSlice(0, OUTPUTS * Integer.BYTES).toArray(ValueLayout.JAVA_INT);
    }
  }

  private static Weight weight(Device device) {
    try (Arena arena = Arena.ofShared()) {
      Random random = new Random(1);
      MemorySegment matrix = arena.allocate(2L * OUTPUTS * COLUMNS, 2);
      for (int i = 0; i < OUTPUTS * COLUMNS; i++) {
        matrix.setAtIndex(ValueLayout.JAVA_SHORT, i, bf16(random));
      }
      return device.loadWeight(new MatrixSource(DType.BF16, COLUMNS, List.of(matrix)));
    }
  }

  private static short bf16(Random random) {
    return (short) (Float.floatToRawIntBits(random.nextFloat() - 0.5f) >>> 16);
  }
}
