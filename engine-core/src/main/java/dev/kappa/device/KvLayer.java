package dev.kappa.device;

/**
 * Where one layer's keys and values lie in a pool of KV blocks. Element {@code d} of head {@code h}
 * of token {@code t} of block {@code b} is at {@code b · blockStride + keyOffset (or valueOffset) +
 * (h · blockTokens + t) · headDim · dtype.bytes() + d · dtype.bytes()}.
 *
 * @param pool the blocks of all layers
 * @param blockStride bytes from one block to the next
 * @param keyOffset bytes from a block's start to this layer's keys
 * @param valueOffset bytes from a block's start to this layer's values
 * @param blockTokens tokens in a block
 * @param dtype storage type of keys and values
 */
public record KvLayer(
    DeviceMemory pool,
    long blockStride,
    long keyOffset,
    long valueOffset,
    int blockTokens,
    DType dtype) {}
