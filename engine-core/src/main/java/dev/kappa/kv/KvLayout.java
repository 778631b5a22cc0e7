package dev.kappa.kv;

import dev.kappa.device.DType;
import dev.kappa.device.DeviceMemory;
import dev.kappa.device.KvLayer;

/**
 * How the keys and values of {@code blockTokens} tokens lie in one contiguous block: {@code
 * [layer][K|V][kvHead][token][headDim]}. All layers of a block are adjacent, so a block moves as
 * one piece and a group of layers of adjacent blocks as one strided copy. The only place that
 * computes addresses of KV.
 */
public record KvLayout(int layers, int kvHeads, int headDim, int blockTokens, DType dtype) {

  /** Changes whenever the meaning of a block's bytes does; part of every block's key. */
  public static final int VERSION = 1;

  private static final int SMALLEST_BLOCK = 16;
  private static final int LARGEST_BLOCK = 64;

  /** A copy of this size comes within 20 % of the link's best rate (PCIe 5, H100). */
  private static final long GOOD_COPY_BYTES = 1 << 20;

  public KvLayout {
    if (layers <= 0 || kvHeads <= 0 || headDim <= 0 || blockTokens <= 0) {
      throw new IllegalArgumentException(
          "a KV block of %d layers, %d heads of %d, %d tokens"
              .formatted(layers, kvHeads, headDim, blockTokens));
    }
  }

  /**
   * The smallest of 16, 32 and 64 tokens that makes a block of at least 1 MiB, else 64.
   *
   * @param bytesPerToken KV bytes of one token over all layers
   */
  public static int defaultBlockTokens(long bytesPerToken) {
    int tokens = SMALLEST_BLOCK;
    while (tokens < LARGEST_BLOCK && tokens * bytesPerToken < GOOD_COPY_BYTES) {
      tokens *= 2;
    }
    return tokens;
  }

  /** KV bytes of one token over all layers: {@code 2 · layers · kvHeads · headDim · bytes}. */
  public long bytesPerToken() {
    return 2L * layers * kvHeads * headDim * dtype.bytes();
  }

  /** Bytes of one block. */
  public long blockBytes() {
    return bytesPerToken() * blockTokens;
  }

  /** Byte offset of a block in the pool. */
  public long blockOffset(int block) {
    return block * blockBytes();
  }

  /** Bytes of one layer's keys and values in a block. */
  public long layerBytes() {
    return blockBytes() / layers;
  }

  /** Byte offset of a layer within a block. */
  public long layerOffset(int layer) {
    return layer * layerBytes();
  }

  /**
   * Cuts the layers into groups of as equal sizes as possible.
   *
   * @return the first layer of each group
   */
  public int[] groups(int count) {
    int[] first = new int[count];
    for (int group = 0; group < count; group++) {
      first[group] = (int) ((long) group * layers / count);
    }
    return first;
  }

  /** Blocks that hold so many tokens. */
  public int blocksFor(int tokens) {
    return Math.ceilDiv(tokens, blockTokens);
  }

  /** One layer's view of memory that holds nothing but that layer, block after block. */
  public KvLayer staged(DeviceMemory memory) {
    return new KvLayer(memory, layerBytes(), 0, layerBytes() / 2, blockTokens, dtype);
  }

  /** One layer's view of a pool of blocks. */
  public KvLayer layer(DeviceMemory pool, int layer) {
    long half = (long) kvHeads * blockTokens * headDim * dtype.bytes();
    long keys = 2L * layer * half;
    return new KvLayer(pool, blockBytes(), keys, keys + half, blockTokens, dtype);
  }
}
