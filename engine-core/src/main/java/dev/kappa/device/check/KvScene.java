package dev.kappa.device.check;

import dev.kappa.device.AttentionShape;
import dev.kappa.device.Batch;
import dev.kappa.device.DType;
import dev.kappa.device.DeviceMemory;
import dev.kappa.device.KvLayer;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;

/**
 * A batch of sequences over a pool of KV blocks in random order. Before a block's keys lies what
 * would be another layer's; that, spare blocks and everything behind a sequence's end are NaN.
 */
final class KvScene {

  /** A sequence's part of a step: {@code count} new tokens from position {@code first} on. */
  record Part(int first, int count) {

    int tokens() {
      return first + count;
    }
  }

  private static final int SPARE_BLOCKS = 3;

  final AttentionShape shape;
  final int blockTokens;
  final List<Part> parts;
  final int rows;
  final int spare;
  private final List<int[]> tables = new ArrayList<>();
  private final long side;
  private final MemorySegment image;

  /**
   * @param stored whether keys and values of the new tokens, too, are in their blocks
   */
  KvScene(Inputs in, AttentionShape shape, int blockTokens, List<Part> parts, boolean stored) {
    this.shape = shape;
    this.blockTokens = blockTokens;
    this.parts = parts;
    rows = parts.stream().mapToInt(Part::count).sum();
    int blocks = SPARE_BLOCKS;
    for (Part part : parts) {
      blocks += Math.ceilDiv(part.tokens(), blockTokens);
    }
    List<Integer> free = new ArrayList<>();
    for (int i = 0; i < blocks; i++) {
      free.add(i);
    }
    Collections.shuffle(free, new Random(in.random.nextLong()));
    spare = free.removeLast();
    side = (long) shape.kvHeads() * blockTokens * shape.headDim() * Short.BYTES;
    image = in.poison(blocks * stride());
    for (Part part : parts) {
      int[] table = new int[Math.ceilDiv(part.tokens(), blockTokens)];
      for (int i = 0; i < table.length; i++) {
        table[i] = free.removeLast();
        fill(in, table[i], (stored ? part.tokens() : part.first()) - i * blockTokens);
      }
      tables.add(table);
    }
  }

  /** Random keys and values for the first tokens of a block. */
  private void fill(Inputs in, int block, int tokens) {
    long token = (long) shape.headDim() * Short.BYTES;
    long bytes = Math.clamp(tokens, 0, blockTokens) * token;
    for (int head = 0; head < 2 * shape.kvHeads(); head++) {
      long from = block * stride() + side + head * blockTokens * token;
      Values.fill(in.random, image.asSlice(from, bytes), 1f);
    }
  }

  long stride() {
    return 3 * side;
  }

  /** Elements of the whole pool. */
  int poolElements() {
    return Math.toIntExact(image.byteSize() / Short.BYTES);
  }

  /** Bytes of keys and values that attention reads. */
  long readBytes() {
    long tokens = parts.stream().mapToLong(p -> p.tokens() - shape.firstSeen(p.first())).sum();
    return 2 * tokens * shape.kvHeads() * shape.headDim() * Short.BYTES;
  }

  /** Operations of attention: two products of each row with each token it sees. */
  long flops() {
    long pairs = 0;
    for (Part part : parts) {
      for (int position = part.first(); position < part.tokens(); position++) {
        pairs += position + 1 - shape.firstSeen(position);
      }
    }
    return 4L * pairs * shape.heads() * shape.headDim();
  }

  /** The pool on a device. */
  KvLayer pool(Side on) {
    return layer(on.upload(image));
  }

  /** The blocks of the first sequence from one to another, one after the other. */
  KvLayer staged(Side on, int firstBlock, int blocks) {
    MemorySegment bytes = MemorySegment.ofArray(new byte[Math.toIntExact(blocks * stride())]);
    for (int i = 0; i < blocks; i++) {
      long from = tables.getFirst()[firstBlock + i] * stride();
      MemorySegment.copy(image, from, bytes, i * stride(), stride());
    }
    return layer(on.upload(bytes));
  }

  private KvLayer layer(DeviceMemory memory) {
    return new KvLayer(memory, stride(), side, 2 * side, blockTokens, DType.BF16);
  }

  Batch batch(Side on) {
    int most = tables.stream().mapToInt(table -> table.length).max().orElse(1);
    Batch batch = on.batch(rows, parts.size(), most);
    for (int s = 0; s < parts.size(); s++) {
      Part part = parts.get(s);
      batch.beginSequence(part.tokens());
      for (int i = 0; i < tables.get(s).length; i++) {
        batch.setBlock(i, tables.get(s)[i]);
      }
      for (int i = 0; i < part.count(); i++) {
        batch.addRow(0, part.first() + i);
      }
    }
    return batch;
  }

  /** For people. */
  String describe() {
    Part first = parts.getFirst();
    boolean alike = parts.stream().allMatch(first::equals);
    String batch =
        alike
            ? "%d x %d rows at %d".formatted(parts.size(), first.count(), first.first())
            : "%d rows of %d mixed".formatted(rows, parts.size());
    String window =
        shape.window() == AttentionShape.NO_WINDOW ? "" : ", window of " + shape.window();
    return "%s, heads %d/%d of %d, blocks of %d%s%s"
        .formatted(
            batch,
            shape.heads(),
            shape.kvHeads(),
            shape.headDim(),
            blockTokens,
            window,
            shape.softcap() == 0 ? "" : ", bounded");
  }
}
