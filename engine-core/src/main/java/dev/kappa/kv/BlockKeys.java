package dev.kappa.kv;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;

/**
 * Computes block keys. The root covers what all blocks of an engine have in common; each further
 * key covers the one before it and its block's tokens, so a key stands for a whole prefix. No
 * process secret goes in: keys are the same after a restart. Not thread-safe.
 */
public final class BlockKeys {

  private final MessageDigest sha256 = newDigest();
  private final int blockTokens;
  private final ByteBuffer buffer;
  private final BlockKey root;

  /**
   * @param modelFingerprint changes when the configuration or any weight does
   * @param numericsId names what computes: device kind and kernel version
   */
  public BlockKeys(KvLayout layout, String modelFingerprint, String numericsId) {
    blockTokens = layout.blockTokens();
    buffer = ByteBuffer.allocate(BlockKey.BYTES + Integer.BYTES * (1 + blockTokens));
    putInt(KvLayout.VERSION);
    putText(modelFingerprint);
    putText(numericsId);
    putText(layout.dtype().name());
    putInt(blockTokens);
    root = BlockKey.of(sha256.digest());
  }

  /**
   * The key that precedes a sequence's first block.
   *
   * @param salt separates caches: sequences with different salts never share a block; empty for
   *     none
   */
  public BlockKey root(String salt) {
    if (salt.isEmpty()) {
      return root;
    }
    buffer.clear();
    root.putTo(buffer);
    sha256.update(buffer.flip());
    putText(salt);
    return BlockKey.of(sha256.digest());
  }

  /**
   * The key of the block that follows {@code previous} and holds the tokens from {@code from} on.
   */
  public BlockKey next(BlockKey previous, int[] tokens, int from) {
    buffer.clear();
    previous.putTo(buffer);
    buffer.putInt(blockTokens);
    for (int i = 0; i < blockTokens; i++) {
      buffer.putInt(tokens[from + i]);
    }
    sha256.update(buffer.flip());
    return BlockKey.of(sha256.digest());
  }

  private void putText(String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    putInt(bytes.length);
    sha256.update(bytes);
  }

  private void putInt(int value) {
    sha256.update(ByteBuffer.allocate(Integer.BYTES).putInt(0, value));
  }

  private static MessageDigest newDigest() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }
}
