package dev.kappa.device.cpu;

import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/**
 * The vector width of this process, and loads and stores by address. The system property {@code
 * kappa.vector.bits} forces 128, 256 or 512.
 *
 * <p>The compiler always inlines the JDK's vector methods, but methods of ours only within limits,
 * and a vector that passes a call which was not inlined costs an allocation. So the hottest loops
 * call the JDK's methods directly, and no vector crosses their bounds.
 */
final class Lanes {

  static final VectorSpecies<Float> FLOATS = floats();
  static final VectorSpecies<Integer> INTS = VectorSpecies.of(int.class, FLOATS.vectorShape());
  static final VectorSpecies<Short> HALVES =
      VectorSpecies.of(short.class, VectorShape.forBitSize(FLOATS.vectorBitSize() / 2));

  /** 32-bit lanes of a vector: 4, 8 or 16. */
  static final int COUNT = FLOATS.length();

  static final int BYTES = FLOATS.vectorByteSize();

  /** Partial sums of every reduction, so that results do not depend on {@link #COUNT}. */
  static final int PARTIALS = 16;

  static final ByteOrder ORDER = ByteOrder.nativeOrder();

  private Lanes() {}

  private static VectorSpecies<Float> floats() {
    int preferred = FloatVector.SPECIES_PREFERRED.vectorBitSize();
    int bits = Integer.getInteger("kappa.vector.bits", Math.clamp(preferred, 128, 512));
    return switch (bits) {
      case 128 -> FloatVector.SPECIES_128;
      case 256 -> FloatVector.SPECIES_256;
      case 512 -> FloatVector.SPECIES_512;
      default ->
          throw new IllegalArgumentException(
              "kappa.vector.bits is " + bits + "; it can be 128, 256 or 512");
    };
  }

  static FloatVector load(long address) {
    return FloatVector.fromMemorySegment(FLOATS, Raw.ALL, address, ORDER);
  }

  static FloatVector load(long address, VectorMask<Float> mask) {
    return FloatVector.fromMemorySegment(FLOATS, Raw.ALL, address, ORDER, mask);
  }

  static void store(FloatVector vector, long address) {
    vector.intoMemorySegment(Raw.ALL, address, ORDER);
  }

  static void store(FloatVector vector, long address, VectorMask<Float> mask) {
    vector.intoMemorySegment(Raw.ALL, address, ORDER, mask);
  }

  static VectorMask<Float> first(int count) {
    return FLOATS.indexInRange(0, count);
  }
}
