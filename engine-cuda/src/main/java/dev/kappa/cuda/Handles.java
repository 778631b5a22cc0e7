package dev.kappa.cuda;

import jcuda.Pointer;
import jcuda.driver.CUdeviceptr;
import jcuda.driver.CUfunction;
import jcuda.driver.CUstream;

/** JCuda's handles, with the addresses that it keeps to itself. */
final class Handles {

  private Handles() {}

  static final class StreamHandle extends CUstream {
    long raw() {
      return getNativePointer();
    }
  }

  static final class FunctionHandle extends CUfunction {
    long raw() {
      return getNativePointer();
    }
  }

  static final class DevicePointer extends CUdeviceptr {
    long raw() {
      return getNativePointer();
    }
  }

  private static final class HostPointer extends Pointer {
    HostPointer(long address) {
      super(address);
    }
  }

  /** A pointer to memory of the host. */
  static Pointer host(long address) {
    return new HostPointer(address);
  }

  /** A pointer to memory of the device. */
  static CUdeviceptr device(long address) {
    return new CUdeviceptr().withByteOffset(address);
  }
}
