package dev.kappa.cuda;

import dev.kappa.device.Device;
import dev.kappa.engine.EngineEquivalenceTest;
import org.junit.jupiter.api.Tag;

/** Alone, batched, chunked, cached and preempted: the same bits on a real GPU. */
@Tag("gpu")
class CudaEquivalenceTest extends EngineEquivalenceTest {

  @Override
  protected Device openDevice(int threads) {
    return new CudaDevice(0, true);
  }
}
