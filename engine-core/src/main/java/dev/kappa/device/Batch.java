package dev.kappa.device;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * What one forward pass works on, in host memory that kernels read directly: new tokens as rows,
 * grouped by sequence. All values are 32-bit integers. The host fills it, then leaves it alone
 * until the step that reads it is done.
 *
 * <p>Not thread-safe; one owner.
 */
public final class Batch implements AutoCloseable {

  private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT;

  private final HostMemory memory;
  private final MemorySegment ints;
  private final int maxRows;
  private final int maxSequences;
  private final int maxBlocks;
  private int rows;
  private int sequences;
  private int outputs;
  private long version;

  /**
   * @param maxRows most new tokens in a step
   * @param maxSequences most sequences in a step
   * @param maxBlocks most KV blocks of one sequence
   */
  public Batch(Device device, int maxRows, int maxSequences, int maxBlocks) {
    this.maxRows = maxRows;
    this.maxSequences = maxSequences;
    this.maxBlocks = maxBlocks;
    long count = 4L * maxRows + 2L * maxSequences + 1 + (long) maxSequences * maxBlocks;
    memory = device.allocateHost(count * Integer.BYTES);
    ints = memory.segment();
  }

  /** Empties the batch before it is filled again. */
  public void clear() {
    version++;
    rows = 0;
    sequences = 0;
    outputs = 0;
    set(queryStartsAt(), 0);
  }

  /**
   * Opens the next sequence; its rows and blocks follow.
   *
   * @param contextLength tokens of the sequence in KV once this step is done, its new rows included
   */
  public void beginSequence(int contextLength) {
    if (sequences == maxSequences) {
      throw new IllegalStateException("more than " + maxSequences + " sequences in a step");
    }
    set(contextLengthsAt() + sequences, contextLength);
    sequences++;
    set(queryStartsAt() + sequences, rows);
  }

  /** Adds a new token to the sequence opened last. */
  public void addRow(int tokenId, int position) {
    if (rows == maxRows) {
      throw new IllegalStateException("more than " + maxRows + " rows in a step");
    }
    set(rows, tokenId);
    set(maxRows + rows, position);
    set(2 * maxRows + rows, sequences - 1);
    rows++;
    set(queryStartsAt() + sequences, rows);
  }

  /** Puts the pool index of the {@code index}-th block of the sequence opened last. */
  public void setBlock(int index, int block) {
    java.util.Objects.checkIndex(index, maxBlocks);
    set(blockTablesAt() + (sequences - 1) * maxBlocks + index, block);
  }

  /** Asks for the logits of the row added last. */
  public void markOutput() {
    set(3 * maxRows + outputs, rows - 1);
    outputs++;
  }

  /** Another number whenever something has changed, so that copies know whether they are old. */
  public long version() {
    return version;
  }

  /** New tokens in the step. */
  public int rows() {
    return rows;
  }

  /** Sequences in the step. */
  public int sequences() {
    return sequences;
  }

  /** Rows whose logits are wanted. */
  public int outputs() {
    return outputs;
  }

  /** Capacity of a sequence's row of the block tables. */
  public int maxBlocks() {
    return maxBlocks;
  }

  public int tokenId(int row) {
    return get(row);
  }

  public int position(int row) {
    return get(maxRows + row);
  }

  /** Index of the sequence that a row belongs to. */
  public int sequenceOf(int row) {
    return get(2 * maxRows + row);
  }

  /** The row of the {@code index}-th wanted output. */
  public int outputRow(int index) {
    return get(3 * maxRows + index);
  }

  /** First row of a sequence; {@code queryStart(sequences())} is the number of rows. */
  public int queryStart(int sequence) {
    return get(queryStartsAt() + sequence);
  }

  /** Tokens of a sequence in KV after this step. */
  public int contextLength(int sequence) {
    return get(contextLengthsAt() + sequence);
  }

  /** Pool index of a sequence's {@code index}-th block. */
  public int block(int sequence, int index) {
    return get(blockTablesAt() + sequence * maxBlocks + index);
  }

  /** Address of token ids, {@code int[rows]}. */
  public long tokenIdsAddress() {
    return memory.address();
  }

  /** Address of positions, {@code int[rows]}. */
  public long positionsAddress() {
    return at(maxRows);
  }

  /** Address of each row's sequence index, {@code int[rows]}. */
  public long rowSequencesAddress() {
    return at(2 * maxRows);
  }

  /** Address of the wanted rows, {@code int[outputs]}. */
  public long outputRowsAddress() {
    return at(3 * maxRows);
  }

  /** Address of first rows, {@code int[sequences + 1]}. */
  public long queryStartsAddress() {
    return at(queryStartsAt());
  }

  /** Address of KV lengths, {@code int[sequences]}. */
  public long contextLengthsAddress() {
    return at(contextLengthsAt());
  }

  /** Address of block tables, {@code int[sequences][maxBlocks]}. */
  public long blockTablesAddress() {
    return at(blockTablesAt());
  }

  @Override
  public void close() {
    memory.close();
  }

  private int queryStartsAt() {
    return 4 * maxRows;
  }

  private int contextLengthsAt() {
    return 4 * maxRows + maxSequences + 1;
  }

  private int blockTablesAt() {
    return 4 * maxRows + 2 * maxSequences + 1;
  }

  private long at(int index) {
    return memory.address() + (long) index * Integer.BYTES;
  }

  private void set(int index, int value) {
    version++;
    ints.setAtIndex(INT, index, value);
  }

  private int get(int index) {
    return ints.getAtIndex(INT, index);
  }
}
