package dev.kappa.device;

import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * A pool of KV blocks of two layers, of which the second is used, with blocks handed out in random
 * order. Everything not written is NaN.
 */
final class KvFixture {

  final AttentionShape shape;
  final KvLayer layer;
  final int blocks;
  private final DeviceFixture fixture;
  private final List<Integer> free;

  KvFixture(DeviceFixture fixture, AttentionShape shape, DType dtype, int blockTokens, int blocks) {
    this.fixture = fixture;
    this.shape = shape;
    this.blocks = blocks;
    long side = (long) shape.kvHeads() * blockTokens * shape.headDim() * dtype.bytes();
    DeviceMemory pool = fixture.poisonedBytes(4 * side * blocks);
    layer = new KvLayer(pool, 4 * side, 2 * side, 3 * side, blockTokens, dtype);
    free = IntStream.range(0, blocks).boxed().collect(Collectors.toList());
    Collections.shuffle(free, new Random(DeviceFixture.SEED));
  }

  /** Takes the blocks of a sequence of so many tokens. */
  int[] take(int tokens) {
    int count = Math.ceilDiv(tokens, layer.blockTokens());
    List<Integer> taken = free.subList(0, count);
    int[] table = taken.stream().mapToInt(Integer::intValue).toArray();
    taken.clear();
    return table;
  }

  /**
   * Writes keys and values of a sequence directly into its blocks.
   *
   * @param keys {@code [tokens][kvHeads][headDim]}
   */
  void fill(int[] table, float[] keys, float[] values) {
    DType dtype = layer.dtype();
    long bytes = layer.pool().bytes();
    try (HostMemory host = fixture.device.allocateHost(bytes)) {
      fixture.stream.copy(host, 0, layer.pool(), 0, bytes);
      fixture.stream.synchronize();
      for (int i = 0; i < keys.length; i++) {
        long offset = offset(table, i) / dtype.bytes();
        Numbers.put(dtype, host.segment(), offset + layer.keyOffset() / dtype.bytes(), keys[i]);
        Numbers.put(dtype, host.segment(), offset + layer.valueOffset() / dtype.bytes(), values[i]);
      }
      fixture.stream.copy(layer.pool(), 0, host, 0, bytes);
      fixture.stream.synchronize();
    }
  }

  /** Reads {@code [tokens][kvHeads][headDim]} back, from {@link KvLayer#keyOffset} for example. */
  float[] read(int[] table, int tokens, long side) {
    DType dtype = layer.dtype();
    float[] pool =
        fixture.download(
            layer.pool(), Math.toIntExact(layer.pool().bytes() / dtype.bytes()), dtype);
    float[] found = new float[tokens * shape.kvHeads() * shape.headDim()];
    for (int i = 0; i < found.length; i++) {
      found[i] = pool[Math.toIntExact((offset(table, i) + side) / dtype.bytes())];
    }
    return found;
  }

  /** Bytes to element i of {@code [tokens][kvHeads][headDim]}, before key or value offset. */
  private long offset(int[] table, int i) {
    int d = i % shape.headDim();
    int head = i / shape.headDim() % shape.kvHeads();
    int token = i / shape.headDim() / shape.kvHeads();
    int tokens = layer.blockTokens();
    long inSide = ((long) head * tokens + token % tokens) * shape.headDim() + d;
    return table[token / tokens] * layer.blockStride() + inSide * layer.dtype().bytes();
  }

  /** A sequence's part of a step: positions {@code first … first + count - 1} over a table. */
  @SuppressWarnings("ArrayRecordComponent") // Compared by nobody.
  record Part(int[] table, int first, int count) {}

  /** A batch of parts; the i-th new row has token id i. */
  Batch batch(Part... parts) {
    int rows = Arrays.stream(parts).mapToInt(Part::count).sum();
    int most = Arrays.stream(parts).mapToInt(p -> p.table().length).max().orElse(1);
    Batch batch = fixture.own(new Batch(fixture.device, rows, parts.length, most));
    batch.clear();
    int token = 0;
    for (Part part : parts) {
      batch.beginSequence(part.first() + part.count());
      for (int i = 0; i < part.table().length; i++) {
        batch.setBlock(i, part.table()[i]);
      }
      for (int i = 0; i < part.count(); i++) {
        batch.addRow(token++, part.first() + i);
      }
    }
    return batch;
  }
}
