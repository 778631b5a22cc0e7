package dev.kappa.kv;

import java.nio.ByteBuffer;

/**
 * What a block holds: the SHA-256 of everything its bytes depend on, all tokens before it included.
 * Equal keys mean equal content; the full 256 bits are compared.
 *
 * @param partial whether only layers without a sliding window have their content
 */
public record BlockKey(long first, long second, long third, long fourth, boolean partial) {

  /** Bytes of a key. */
  public static final int BYTES = 32;

  /** The key of a block of which all layers have their content. */
  public BlockKey(long first, long second, long third, long fourth) {
    this(first, second, third, fourth, false);
  }

  static BlockKey of(byte[] sha256) {
    ByteBuffer bytes = ByteBuffer.wrap(sha256);
    return new BlockKey(bytes.getLong(), bytes.getLong(), bytes.getLong(), bytes.getLong());
  }

  /** The key of a block whose layers with a sliding window have not got their content. */
  BlockKey inPart() {
    return new BlockKey(first, second, third, fourth, true);
  }

  void putTo(ByteBuffer bytes) {
    bytes.putLong(first).putLong(second).putLong(third).putLong(fourth);
  }

  /** The key's first bits are as good as any hash. */
  @Override
  public int hashCode() {
    return (int) first;
  }
}
