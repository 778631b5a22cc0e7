package dev.kappa.device.virtual;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kappa.device.DType;
import dev.kappa.device.DeviceException;
import dev.kappa.device.DeviceMemory;
import dev.kappa.device.HostMemory;
import dev.kappa.device.MatrixSource;
import dev.kappa.device.Weight;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import org.junit.jupiter.api.Test;

class VirtualMemoryTest extends VirtualFixture {

  private final VirtualDevice small =
      own(
          new VirtualDevice(
              HARDWARE,
              VirtualOptions.defaults().withDeviceBytes(10_000).withHostBytes(1L << 40),
              1));

  @Test
  void countsMemoryUntilClosed() {
    DeviceMemory first = small.allocate(1000);
    DeviceMemory second = small.allocate(1);
    HostMemory pinned = small.allocateHost(3 << 20);
    Weight weight =
        small.loadWeight(
            new MatrixSource(DType.BF16, 10, List.of(MemorySegment.ofArray(new byte[400]))));
    DeviceMemory vector = small.loadVector(DType.BF16, MemorySegment.ofArray(new byte[20]));
    assertThat(small.allocatedBytes()).isEqualTo(1001 + (3 << 20) + 400 + 40);
    assertThat(small.freeBytes()).isEqualTo(10_000 - 1001 - 400 - 40);
    assertThat(first.address() % 64).isZero();
    assertThat(second.address()).isGreaterThanOrEqualTo(first.address() + 1000);
    assertThat(second.address() % 64).isZero();
    assertThat(pinned.address() % 4096).isZero();
    first.slice(10, 20).close();
    for (int i = 0; i < 2; i++) {
      List.of(first, second, vector).forEach(DeviceMemory::close);
      pinned.close();
      weight.close();
    }
    assertThat(small.allocatedBytes()).isZero();
    assertThat(small.freeBytes()).isEqualTo(10_000);
  }

  @Test
  void refusesMoreMemoryThanThereIs() {
    DeviceMemory most = small.allocate(9_999);
    assertThatThrownBy(() -> small.allocate(2))
        .isInstanceOf(DeviceException.class)
        .hasMessageContaining("2 bytes")
        .hasMessageContaining("1 of 10000");
    assertThatThrownBy(() -> small.allocateHost((1L << 40) + 1))
        .isInstanceOf(DeviceException.class);
    assertThatThrownBy(
            () -> small.loadWeight(new MatrixSource(DType.F32, 100, 100, VirtualMemoryTest::none)))
        .isInstanceOf(DeviceException.class);
    assertThat(small.allocatedBytes()).isEqualTo(9_999);
    most.close();
  }

  @Test
  void loadsWeightsWithoutLookingAtTheirBytes() {
    Weight weight =
        device.loadWeight(new MatrixSource(DType.BF16, 1 << 17, 1 << 13, VirtualMemoryTest::none));
    assertThat(weight.bytes()).isEqualTo(2L << 30);
    assertThat(weight.rows()).isEqualTo(1 << 17);
    assertThat(weight.columns()).isEqualTo(1 << 13);
    weight.close();
    assertThatThrownBy(() -> device.kernels().matmul(stream, memory, 1, weight, memory))
        .isInstanceOf(IllegalStateException.class);
  }

  private static List<MemorySegment> none() {
    throw new AssertionError("a device that computes nothing asked for weights");
  }

  @Test
  void refusesMemoryThatIsClosedAndRangesThatLeaveIt() {
    DeviceMemory closed = device.allocate(64);
    DeviceMemory slice = closed.slice(0, 32);
    assertThatThrownBy(() -> closed.slice(60, 5)).isInstanceOf(IndexOutOfBoundsException.class);
    closed.close();
    assertThatThrownBy(() -> stream.copy(memory, 0, closed, 0, 64))
        .isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(() -> stream.copy(memory, 0, slice, 0, 32))
        .isInstanceOf(IllegalStateException.class);
  }

  @Test
  void smallHostMemoryHasZerosAndLargeHasNone() {
    try (HostMemory real = device.allocateHost(64L << 20);
        HostMemory numbers = device.allocateHost(200L << 30)) {
      assertThat(real.segment().byteSize()).isEqualTo(64L << 20);
      assertThat(real.segment().get(ValueLayout.JAVA_BYTE, (64L << 20) - 1)).isZero();
      assertThat(real.address()).isEqualTo(real.segment().address());
      assertThat(numbers.bytes()).isEqualTo(200L << 30);
      assertThat(numbers.address() % 4096).isZero();
      assertThatThrownBy(numbers::segment).isInstanceOf(UnsupportedOperationException.class);
      stream.copy(memory, 0, numbers, 199L << 30, 1000);
      stream.synchronize();
      assertThat(now()).isEqualTo(1005);
    }
  }
}
