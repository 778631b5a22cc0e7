package dev.kappa.cuda;

import dev.kappa.device.Batch;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * What the kernels of a stream read about a batch, in device memory: copied when the first kernel
 * of a step asks for it, and again once the batch has changed. Owned by its stream; not
 * thread-safe.
 */
final class BatchStage implements AutoCloseable {

  private static final int THREADS = 128;

  /** Numbers that a thread of {@code stageBatch} copies. */
  private static final int PER_THREAD = 8;

  private static final int PLAN_THREADS = 256;

  /** Plans that are kept: layers differ in their window, of which a model has at most two. */
  private static final int PLANS = 2;

  /**
   * A batch on the device.
   *
   * @param positions address of {@code int[rows]}
   * @param sequences address of each row's sequence, {@code int[rows]}
   * @param tables address of block tables, {@code int[sequences][maxBlocks]}
   * @param decodes leading rows that are the only ones of their sequence
   * @param lowest smallest position of the rows behind them, of all rows if there are none
   * @param highest largest position of the same rows
   */
  record Staged(
      long positions, long sequences, long tables, int decodes, int lowest, int highest) {}

  /**
   * The segments of the decodes, tile by tile.
   *
   * @param items address of {@code int2[]}: tile, segment
   * @param tiles address of {@code int4[tiles]}: first item, first segment, segments
   * @param starts first item of each row, and the number of items
   * @param longest most segments of a row
   */
  @SuppressWarnings("ArrayRecordComponent") // Compared by nobody, changed by nobody.
  record Plan(long items, long tiles, int[] starts, int longest) {}

  private record PlanKey(AttentionCut cut, int group, int window) {}

  private final CudaStream stream;
  private final Scratch memory;
  private final Scratch[] planMemory = new Scratch[PLANS];
  private final @Nullable PlanKey[] planKeys = new PlanKey[PLANS];
  private final @Nullable Plan[] plans = new Plan[PLANS];
  private int nextPlan;

  private @Nullable Batch batch;
  private long version;
  private int blockTokens;
  private @Nullable Staged staged;

  BatchStage(CudaStream stream, CudaContext context) {
    this.stream = stream;
    memory = new Scratch(context, stream.handle());
    for (int i = 0; i < PLANS; i++) {
      planMemory[i] = new Scratch(context, stream.handle());
    }
  }

  /** The batch as it is now, for the kernels put on the stream next. */
  Staged stage(KernelModule kernels, Batch asked, int tokens) {
    Staged found = staged;
    if (found != null && asked == batch && asked.version() == version && tokens == blockTokens) {
      return found;
    }
    staged = null;
    for (int i = 0; i < PLANS; i++) {
      planKeys[i] = null;
    }
    Staged fresh = copy(kernels, asked, tokens);
    batch = asked;
    version = asked.version();
    blockTokens = tokens;
    staged = fresh;
    return fresh;
  }

  private Staged copy(KernelModule kernels, Batch from, int tokens) {
    int rows = from.rows();
    int longest = 1;
    int decodes = 0;
    for (int s = 0; s < from.sequences(); s++) {
      int own = from.queryStart(s + 1) - from.queryStart(s);
      int blocks = Math.min(Math.ceilDiv(from.contextLength(s), tokens), from.maxBlocks());
      longest = Math.max(longest, Math.max(own, blocks));
      if (decodes == s && own == 1) {
        decodes++;
      }
    }
    int lowest = Integer.MAX_VALUE;
    int highest = 0;
    for (int row = decodes < rows ? decodes : 0; row < rows; row++) {
      lowest = Math.min(lowest, from.position(row));
      highest = Math.max(highest, from.position(row));
    }
    long rowBytes = (long) rows * Integer.BYTES;
    long tableBytes = (long) from.sequences() * from.maxBlocks() * Integer.BYTES;
    long positions = memory.reserve(2 * rowBytes + tableBytes);
    long sequences = positions + rowBytes;
    long tables = sequences + rowBytes;
    stream
        .launch()
        .add(from.positionsAddress())
        .add(from.rowSequencesAddress())
        .add(from.queryStartsAddress())
        .add(from.contextLengthsAddress())
        .add(from.blockTablesAddress())
        .add(from.maxBlocks())
        .add(tokens)
        .add(positions)
        .add(sequences)
        .add(tables)
        .run(
            kernels.stageBatch,
            Math.ceilDiv(longest, THREADS * PER_THREAD),
            from.sequences(),
            1,
            THREADS,
            0);
    return new Staged(positions, sequences, tables, decodes, lowest, highest);
  }

  /** The segments of the leading decodes of the batch staged last. */
  Plan plan(KernelModule kernels, Staged from, AttentionCut cut, int group, int window) {
    PlanKey key = new PlanKey(cut, group, window);
    for (int i = 0; i < PLANS; i++) {
      Plan found = plans[i];
      if (key.equals(planKeys[i]) && found != null) {
        return found;
      }
    }
    int slot = nextPlan;
    nextPlan = (nextPlan + 1) % PLANS;
    Plan fresh = list(kernels, from, planMemory[slot], key);
    plans[slot] = fresh;
    planKeys[slot] = key;
    return fresh;
  }

  private Plan list(KernelModule kernels, Staged from, Scratch target, PlanKey key) {
    AttentionCut cut = key.cut();
    int tilesOfRow = cut.tiles() / from.decodes();
    int[] starts = new int[from.decodes() + 1];
    int longest = 0;
    Batch positionsOf = Objects.requireNonNull(batch);
    for (int row = 0; row < from.decodes(); row++) {
      int position = positionsOf.position(row);
      int first = Math.max(0, position - key.window() + 1);
      int count = AttentionSegments.count(first, position);
      starts[row + 1] = starts[row] + count * tilesOfRow;
      longest = Math.max(longest, count);
    }
    long tileBytes = 16L * cut.tiles();
    long tiles = target.reserve(tileBytes + 8L * starts[from.decodes()]);
    Plan plan = new Plan(tiles + tileBytes, tiles, starts, longest);
    if (longest > 1) {
      stream
          .launch()
          .add(from.positions())
          .add(cut.vectors())
          .add(cut.reach())
          .add(cut.step())
          .add(key.group())
          .add(cut.tiles())
          .add(key.window())
          .add(plan.items())
          .add(plan.tiles())
          .run(kernels.planSegments, 1, PLAN_THREADS);
    }
    return plan;
  }

  @Override
  public void close() {
    memory.close();
    for (Scratch scratch : planMemory) {
      scratch.close();
    }
  }
}
