package dev.kappa.device;

/**
 * How the elements of a weight matrix's row are stored: one by one, or in blocks that share scales.
 * Blocks are those of ggml (https://github.com/ggml-org/ggml, {@code ggml-common.h}) and lie along
 * a row; {@link Dequantizer} says what they mean.
 */
public enum Encoding {
  F32(1, 4),
  BF16(1, 2),
  F16(1, 2),
  /** 32 elements of 8 bits and a scale. */
  Q8_0(32, 34),
  /** 32 elements of 4 bits and a scale. */
  Q4_0(32, 18),
  /** 256 elements of 4 bits; every 32 have a scale and a minimum of 6 bits. */
  Q4_K(256, 144),
  /** 256 elements of 6 bits; every 16 have a scale of 8 bits. */
  Q6_K(256, 210);

  private final int blockElements;
  private final int blockBytes;

  Encoding(int blockElements, int blockBytes) {
    this.blockElements = blockElements;
    this.blockBytes = blockBytes;
  }

  /** Elements of a block; 1 where each is stored by itself. */
  public int blockElements() {
    return blockElements;
  }

  /** Bytes of a block. */
  public int blockBytes() {
    return blockBytes;
  }

  /**
   * Bytes of so many elements, for example of a row.
   *
   * @throws IllegalArgumentException if they are not whole blocks
   */
  public long bytes(long elements) {
    if (elements % blockElements != 0) {
      throw new IllegalArgumentException(
          "%d elements are no whole blocks of %d, as %s has them"
              .formatted(elements, blockElements, this));
    }
    return Math.multiplyExact(elements / blockElements, blockBytes);
  }

  /** Whether each element is stored by itself, as in memory of a {@link DType}. */
  public boolean isPlain() {
    return blockElements == 1;
  }

  /**
   * The type of elements that are stored one by one.
   *
   * @throws IllegalStateException if they are in blocks
   */
  public DType dtype() {
    return switch (this) {
      case F32 -> DType.F32;
      case BF16 -> DType.BF16;
      case F16 -> DType.F16;
      default -> throw new IllegalStateException(this + " has no elements of a type of their own");
    };
  }

  /** Elements of a type, one by one. */
  public static Encoding of(DType dtype) {
    return switch (dtype) {
      case F32 -> F32;
      case BF16 -> BF16;
      case F16 -> F16;
    };
  }
}
