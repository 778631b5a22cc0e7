package dev.kappa.cuda;

import static jcuda.driver.JCudaDriver.cuStreamQuery;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kappa.cuda.sim.SimulationControl;
import dev.kappa.device.Device;
import dev.kappa.device.DeviceException;
import dev.kappa.device.DeviceMemory;
import dev.kappa.device.Event;
import dev.kappa.device.HostMemory;
import dev.kappa.device.Stream;
import dev.kappa.device.Worker;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import jcuda.driver.CUresult;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What happens when a copy fails on the simulated GPU, and the context with it. */
@Timeout(300)
class CudaLossTest {

  private final SimulationControl control = SimulatedGpu.reset();
  private final Device device = new CudaDevice(0, false);
  private final DeviceMemory memory = device.allocate(64);
  private final HostMemory host = device.allocateHost(64);
  private final Stream stream = device.newStream("test");
  private final Stream other = device.newStream("other");

  @BeforeEach
  void lose() {
    // Cannot be had from a lost context.
    Gemm gemm = CudaStream.of(stream).gemm();
    assertThat(gemm).isNotNull();
    control.failCopy(1);
    stream.copy(memory, 0, host, 0, 64);
  }

  /** Even then everything can be closed, and nothing is left. */
  @AfterEach
  void close() {
    other.close();
    stream.close();
    memory.close();
    host.close();
    assertThat(device.allocatedBytes()).isZero();
    device.close();
    SimulatedGpu.reset();
  }

  @Test
  void everyCallFailsFromThenOn() {
    assertThatThrownBy(stream::synchronize)
        .isInstanceOf(DeviceException.class)
        .hasMessageContaining("cuStreamSynchronize");
    assertThatThrownBy(stream::synchronize).isInstanceOf(DeviceException.class);
    assertThatThrownBy(other::synchronize).isInstanceOf(DeviceException.class);
    assertThatThrownBy(() -> device.allocate(64)).isInstanceOf(DeviceException.class);
    assertThatThrownBy(() -> device.allocateHost(64)).isInstanceOf(DeviceException.class);
  }

  /** cuBLAS says only that it failed. */
  @Test
  void isNamedWhenCublasMeetsItFirst() {
    CudaStream own = CudaStream.of(stream);
    Gemm gemm = own.gemm();
    while (cuStreamQuery(own.handle()) == CUresult.CUDA_ERROR_NOT_READY) {
      Thread.onSpinWait();
    }
    CudaWeight weight = new CudaWeight(memory, 1, 4, 4);
    assertThatThrownBy(() -> gemm.multiply(memory.address(), 1, weight, memory.address(), 4))
        .isInstanceOf(DeviceException.class)
        .hasMessageContaining("cublasGemmEx")
        .hasMessageContaining("CUBLAS_STATUS_EXECUTION_FAILED")
        .hasMessageContaining("CUDA_ERROR_ILLEGAL_ADDRESS");
    assertThatThrownBy(stream::synchronize).hasMessageContaining("cublasGemmEx");
  }

  @Test
  void eventsTellOfIt() {
    assertThatThrownBy(
            () -> {
              try (Event event = device.newEvent()) {
                stream.record(event);
                event.synchronize();
              }
            })
        .isInstanceOf(DeviceException.class);
  }

  @Test
  void workersAreWokenAllTheSame() throws Exception {
    CountDownLatch woken = new CountDownLatch(1);
    try (Worker worker =
        device.newWorker(
            "waiting",
            () -> {
              woken.countDown();
              return Worker.WHEN_SIGNALLED;
            })) {
      try {
        stream.signal(worker);
      } catch (DeviceException e) {
        assertThat(e).hasMessageContaining("ILLEGAL_ADDRESS");
      }
      assertThat(woken.await(120, TimeUnit.SECONDS)).isTrue();
    }
  }
}
