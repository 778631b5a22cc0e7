package dev.kappa.cuda;

import org.junit.jupiter.api.Tag;

/** The device contract on a real GPU. */
@Tag("gpu")
class CudaDeviceTest extends CudaContract {}
