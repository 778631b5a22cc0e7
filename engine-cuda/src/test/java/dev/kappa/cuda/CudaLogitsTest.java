package dev.kappa.cuda;

import org.junit.jupiter.api.Tag;

/** The tiny models against their reference on a real GPU. */
@Tag("gpu")
class CudaLogitsTest extends CudaLogits {}
