package dev.kappa.kv;

import java.nio.ByteBuffer;

/**
 * What a block holds: the SHA-256 of everything its bytes depend on, all tokens before it included.
 * Equal keys mean equal content; the full 256 bits are compared.
 */
public record BlockKey(long first, long second, long third, long fourth) {

  /** Bytes of a key. */
  public static final int BYTES = 32;

  static BlockKey of(byte[] sha256) {
    ByteBuffer bytes = ByteBuffer.wrap(sha256);
    return new BlockKey(bytes.getLong(), bytes.getLong(), bytes.getLong(), bytes.getLong());
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
