package dev.kappa.cuda;

import org.junit.jupiter.api.Tag;

/** On a real GPU, with a weight as large as models' are: small ones have kernels of their own. */
@Tag("gpu")
class CudaRowBitsTest extends CudaRowBits {

  @Override
  int columns() {
    return 4096;
  }

  @Override
  int outputs() {
    return 4096;
  }
}
