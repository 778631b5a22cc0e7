package dev.kappa.device;

/**
 * Checks of what kernels and copies are given, the same on every device. They throw {@link
 * IndexOutOfBoundsException} where memory is too small, {@link IllegalStateException} where it is
 * closed, and {@link IllegalArgumentException} where numbers do not go together; messages begin
 * with the operation and the operand, which callers name by constants.
 */
public final class Arguments {

  private Arguments() {}

  /**
   * Checks that there is room for {@code [rows][columns]} elements.
   *
   * @param what the operation and its operand
   * @return the memory's address
   */
  public static long matrix(String what, Memory memory, int rows, int columns, int elementBytes) {
    if (rows < 0 || columns < 1) {
      throw new IllegalArgumentException(
          "%s: a matrix of %d rows, %d columns".formatted(what, rows, columns));
    }
    return room(what, memory, (long) elementBytes * rows * columns);
  }

  /**
   * Checks that there is room for so many bytes.
   *
   * @return the memory's address
   */
  public static long room(String what, Memory memory, long bytes) {
    if (bytes > memory.bytes()) {
      throw new IndexOutOfBoundsException(
          "%s: needs %d bytes, and has %d".formatted(what, bytes, memory.bytes()));
    }
    // Asked for in any case: closed memory refuses.
    return memory.address();
  }

  /** As {@link #matrix}, for results that a kernel writes directly to host memory. */
  public static long mapped(
      String what, HostMemory memory, int rows, int columns, int elementBytes) {
    if (!memory.isPinned()) {
      throw new IllegalArgumentException(what + ": kernels reach host memory only if it is pinned");
    }
    return matrix(what, memory, rows, columns, elementBytes);
  }

  /**
   * Checks that heads have a length that a device computes with.
   *
   * @param device its name
   * @param most the longest that it takes
   * @throws DeviceException if not
   */
  public static void heads(String device, AttentionShape shape, int most) {
    int dim = shape.headDim();
    if (dim % 16 != 0 || dim > most) {
      throw new DeviceException(
          "the %s device computes heads of 16, 32 … %d elements, not of %d"
              .formatted(device, most, dim));
    }
  }

  /** Checks that bias and norms are as long as what they are for. */
  public static void rope(RopeStore args) {
    AttentionShape shape = args.shape();
    if (args.bias() != null) {
      matrix("ropeStore: bias", args.bias(), 1, shape.qkvColumns(), Float.BYTES);
    }
    if (args.queryNorm() != null && args.keyNorm() != null) {
      matrix("ropeStore: queryNorm", args.queryNorm(), 1, shape.headDim(), Float.BYTES);
      matrix("ropeStore: keyNorm", args.keyNorm(), 1, shape.headDim(), Float.BYTES);
    }
  }

  /** Checks that a layer's keys and values lie within open blocks. */
  public static void layer(String what, KvLayer layer, AttentionShape shape) {
    if (layer.blockTokens() < 1
        || layer.keyOffset() < 0
        || layer.valueOffset() < 0
        || blockEnd(layer, shape) > layer.blockStride()) {
      throw new IllegalArgumentException(
          "%s: %d tokens of %d heads do not fit a block: %s"
              .formatted(what, layer.blockTokens(), shape.kvHeads(), layer));
    }
    room(what, layer.pool(), 0);
  }

  /** Bytes from a block's start to the end of this layer's part of it. */
  private static long blockEnd(KvLayer layer, AttentionShape shape) {
    long side =
        (long) shape.kvHeads() * layer.blockTokens() * shape.headDim() * layer.dtype().bytes();
    return Math.max(layer.keyOffset(), layer.valueOffset()) + side;
  }

  /** Checks that a batch has one sequence, as attention over spans needs. */
  public static void oneSequence(String what, Batch batch) {
    if (batch.sequences() != 1) {
      throw new IllegalArgumentException(
          "%s: attention over spans takes one sequence, not %d".formatted(what, batch.sequences()));
    }
  }

  /**
   * Checks that a span of a batch's only sequence is made of whole tiles and blocks, and lies
   * within its context and, if staged, within the layer's memory.
   */
  public static void span(Batch batch, AttentionShape shape, KvLayer layer, KvSpan span, int tile) {
    int context = batch.contextLength(0);
    if (span.first() % tile != 0 || span.first() % layer.blockTokens() != 0) {
      throw new IllegalArgumentException(
          "attentionSpan: %s begins within a tile of %d tokens or a block of %d"
              .formatted(span, tile, layer.blockTokens()));
    }
    if (span.tokens() > context - span.first()
        || (span.tokens() % tile != 0 && span.end() != context)) {
      throw new IllegalArgumentException(
          "attentionSpan: %s ends within a tile of %d tokens of a context of %d, or behind it"
              .formatted(span, tile, context));
    }
    if (span.staged()) {
      long blocks = Math.ceilDiv(span.tokens(), layer.blockTokens());
      long bytes = (blocks - 1) * layer.blockStride() + blockEnd(layer, shape);
      room("attentionSpan: staged blocks", layer.pool(), bytes);
    }
  }

  /** Checks a copy in one piece. */
  public static void copy(
      Memory target, long targetOffset, Memory source, long sourceOffset, long bytes) {
    range("copy: target", target, targetOffset, bytes);
    range("copy: source", source, sourceOffset, bytes);
  }

  /** Checks a copy of {@code height} rows of {@code width} bytes. */
  public static void copy2d(
      Memory target,
      long targetOffset,
      long targetPitch,
      Memory source,
      long sourceOffset,
      long sourcePitch,
      long width,
      long height) {
    if (width < 0 || height < 0) {
      throw new IndexOutOfBoundsException("copy2d: %d rows of %d bytes".formatted(height, width));
    }
    if (height > 1 && (targetPitch < width || sourcePitch < width)) {
      throw new IndexOutOfBoundsException(
          "copy2d: rows of %d bytes overlap at pitches %d and %d"
              .formatted(width, targetPitch, sourcePitch));
    }
    range("copy2d: target", target, targetOffset, extent(targetPitch, width, height));
    range("copy2d: source", source, sourceOffset, extent(sourcePitch, width, height));
  }

  private static long extent(long pitch, long width, long height) {
    return height == 0 ? 0 : Math.addExact(Math.multiplyExact(pitch, height - 1), width);
  }

  private static void range(String what, Memory memory, long offset, long length) {
    if (offset < 0 || length < 0 || offset > memory.bytes() - length) {
      throw new IndexOutOfBoundsException(
          "%s: range [%d, +%d) leaves memory of %d bytes"
              .formatted(what, offset, length, memory.bytes()));
    }
    var _ = memory.address();
  }
}
