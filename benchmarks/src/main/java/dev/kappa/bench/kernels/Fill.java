package dev.kappa.bench.kernels;

import dev.kappa.device.DType;
import dev.kappa.device.Device;
import dev.kappa.device.DeviceMemory;
import dev.kappa.device.Encoding;
import dev.kappa.device.HostMemory;
import dev.kappa.device.Stream;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Random;

/** Random contents: zeros would be as fast on most machines, but not on all. */
final class Fill {

  private Fill() {}

  /** Fills with values in [-1, 1). */
  static void random(MemorySegment target, DType dtype, Random random) {
    long count = target.byteSize() / dtype.bytes();
    for (long i = 0; i < count; i++) {
      float value = random.nextFloat() * 2 - 1;
      switch (dtype) {
        case F32 -> target.setAtIndex(ValueLayout.JAVA_FLOAT, i, value);
        case BF16 ->
            target.setAtIndex(
                ValueLayout.JAVA_SHORT, i, (short) (Float.floatToRawIntBits(value) >>> 16));
        case F16 -> target.setAtIndex(ValueLayout.JAVA_SHORT, i, Float.floatToFloat16(value));
      }
    }
  }

  /** The same, or blocks of random bits. */
  static void random(MemorySegment target, Encoding encoding, Random random) {
    if (encoding.isPlain()) {
      random(target, encoding.dtype(), random);
      return;
    }
    byte[] bytes = new byte[encoding.blockBytes()];
    for (long at = 0; at < target.byteSize(); at += bytes.length) {
      random.nextBytes(bytes);
      for (int i = 0; i < bytes.length; i++) {
        // An f16 without the exponent's highest bit is below 2: no scale is infinite.
        bytes[i] &= (byte) 0xbf;
      }
      MemorySegment.copy(bytes, 0, target, ValueLayout.JAVA_BYTE, at, bytes.length);
    }
  }

  static void random(Device device, Stream stream, DeviceMemory target, DType dtype) {
    try (HostMemory host = device.allocateHost(target.bytes())) {
      random(host.segment(), dtype, new Random(2));
      stream.copy(target, 0, host, 0, target.bytes());
      stream.synchronize();
    }
  }
}
