package dev.kappa.device.cpu;

import dev.kappa.device.AttentionShape;
import dev.kappa.device.Batch;
import dev.kappa.device.host.Pages;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * How one attention call is cut up. A unit is a run of query rows of one sequence with the query
 * heads of one KV head, so that keys and values are widened once for all of them. Where there are
 * too few units for the threads, long contexts are cut into segments too.
 *
 * <p>Reused from call to call; owned by the thread that leads the call.
 */
final class AttentionPlan implements AutoCloseable {

  /** Most query vectors of a unit. */
  static final int MAX_ROWS = 96;

  /** Units per thread from which cutting contexts gains nothing. */
  private static final int UNITS_PER_THREAD = 4;

  /** Most bytes kept for segments until they are merged. */
  private static final long MAX_PARTIALS = 64 << 20;

  private static final int FIELDS = 9;
  private static final int SEQUENCE = 0;
  private static final int KV_HEAD = 1;
  private static final int HEAD = 2;
  private static final int HEADS = 3;
  private static final int ROW = 4;
  private static final int ROWS = 5;
  private static final int LAST = 6;
  private static final int PLACE = 7;
  private static final int LOWEST = 8;

  private int[] units = new int[FIELDS * 64];
  private int[] firstItem = new int[65];
  private long[] partial = new long[64];
  private int count;
  private int places;
  private int first;
  private int end;
  private boolean split;
  private @Nullable Pages partials;

  /**
   * Makes the plan of a call over tokens {@code first … end - 1} of every context. Units and their
   * places depend on batch and shape alone.
   */
  void build(Batch batch, AttentionShape shape, int first, int end, int threads) {
    this.first = first;
    this.end = end;
    count = 0;
    places = 0;
    int group = shape.heads() / shape.kvHeads();
    int headsAtOnce = headsAtOnce(shape);
    int rowsAtOnce = MAX_ROWS / headsAtOnce;
    for (int s = 0; s < batch.sequences(); s++) {
      int endRow = batch.queryStart(s + 1);
      for (int row = batch.queryStart(s); row < endRow; row += rowsAtOnce) {
        int rows = Math.min(rowsAtOnce, endRow - row);
        int last = lastPosition(batch, row, rows);
        int lowest = shape.firstSeen(firstPosition(batch, row, rows));
        for (int kvHead = 0; kvHead < shape.kvHeads(); kvHead++) {
          for (int h = 0; h < group; h += headsAtOnce) {
            int heads = Math.min(headsAtOnce, group - h);
            add(s, kvHead, kvHead * group + h, heads, row, rows, last, lowest);
          }
        }
      }
    }
    splitIfFew(shape, threads);
  }

  /** Places for the states of all queries of one sequence's rows. */
  static long places(AttentionShape shape, int rows) {
    int group = shape.heads() / shape.kvHeads();
    int headsAtOnce = headsAtOnce(shape);
    int rowsAtOnce = MAX_ROWS / headsAtOnce;
    long perGroup = 0;
    for (int h = 0; h < group; h += headsAtOnce) {
      int heads = Math.min(headsAtOnce, group - h);
      perGroup += (long) (rows / rowsAtOnce) * wholeTiles(rowsAtOnce * heads);
      perGroup += wholeTiles(rows % rowsAtOnce * heads);
    }
    return shape.kvHeads() * perGroup;
  }

  private static int headsAtOnce(AttentionShape shape) {
    return Math.min(shape.heads() / shape.kvHeads(), MAX_ROWS);
  }

  /** Queries rounded up to tiles, as kernels write them. */
  private static int wholeTiles(int queries) {
    return Math.ceilDiv(queries, TileKernel.ROWS) * TileKernel.ROWS;
  }

  private static int lastPosition(Batch batch, int row, int rows) {
    int last = 0;
    for (int r = row; r < row + rows; r++) {
      last = Math.max(last, batch.position(r));
    }
    return last;
  }

  private static int firstPosition(Batch batch, int row, int rows) {
    int first = Integer.MAX_VALUE;
    for (int r = row; r < row + rows; r++) {
      first = Math.min(first, batch.position(r));
    }
    return first;
  }

  private void add(
      int sequence, int kvHead, int head, int heads, int row, int rows, int last, int lowest) {
    if ((count + 1) * FIELDS > units.length) {
      units = Arrays.copyOf(units, 2 * units.length);
      firstItem = new int[units.length / FIELDS + 1];
    }
    int at = FIELDS * count++;
    units[at + SEQUENCE] = sequence;
    units[at + KV_HEAD] = kvHead;
    units[at + HEAD] = head;
    units[at + HEADS] = heads;
    units[at + ROW] = row;
    units[at + ROWS] = rows;
    units[at + LAST] = last;
    units[at + PLACE] = places;
    units[at + LOWEST] = lowest;
    places += wholeTiles(rows * heads);
  }

  private void splitIfFew(AttentionShape shape, int threads) {
    int items = 0;
    for (int u = 0; u < count; u++) {
      firstItem[u] = items;
      items += segments(u);
    }
    firstItem[count] = items;
    split = threads > 1 && count < threads * UNITS_PER_THREAD && items > count;
    if (split) {
      split = placePartials(SoftmaxState.pitch(shape.headDim()));
    }
  }

  /** Gives each item its place; false if they would take too much memory. */
  private boolean placePartials(long pitch) {
    if (partial.length < items()) {
      partial = new long[2 * items()];
    }
    long size = 0;
    for (int item = 0; item < items(); item++) {
      partial[item] = size;
      size += wholeTiles(queries(unitOf(item))) * pitch;
      if (size > MAX_PARTIALS) {
        return false;
      }
    }
    if (partials == null || partials.segment().byteSize() < size) {
      close();
      partials = Pages.allocate(size + size / 2);
    }
    return true;
  }

  int units() {
    return count;
  }

  /** Whether units are computed in segments that are merged afterwards. */
  boolean isSplit() {
    return split;
  }

  /** Segments of all units, where the call is split. */
  int items() {
    return firstItem[count];
  }

  /** The unit of an item. */
  int unitOf(int item) {
    int found = Arrays.binarySearch(firstItem, 0, count, item);
    int unit = found >= 0 ? found : -found - 2;
    // Units without segments begin where the next one does.
    while (firstItem[unit + 1] <= item) {
      unit++;
    }
    return unit;
  }

  int segmentOf(int item) {
    int unit = unitOf(item);
    return firstSegment(unit) + item - firstItem[unit];
  }

  /** The item of a unit's first segment. */
  int firstItem(int unit) {
    return firstItem[unit];
  }

  /** Where an item's states lie until they are merged. */
  long partial(int item) {
    if (partials == null) {
      throw new IllegalStateException("the plan is not split");
    }
    return partials.address() + partial[item];
  }

  /**
   * The first segment of the call that a unit takes part in. One that its rows' windows reach only
   * with tokens of later calls counts, since its states begin in this one.
   */
  int firstSegment(int unit) {
    return Math.max(first, lowest(unit)) / AttentionKernel.SEGMENT;
  }

  /**
   * How many segments of the call, from the first on, a unit takes part in: those that begin no
   * later than it sees, though their tokens in this call may all lie after that.
   */
  int segments(int unit) {
    int seen = Math.min(last(unit), end - 1);
    return Math.max(0, seen / AttentionKernel.SEGMENT - firstSegment(unit) + 1);
  }

  /** Where a unit's states begin among {@link #places}. */
  int place(int unit) {
    return units[FIELDS * unit + PLACE];
  }

  /** Places for the states of all queries. */
  int places() {
    return places;
  }

  int sequence(int unit) {
    return units[FIELDS * unit + SEQUENCE];
  }

  int kvHead(int unit) {
    return units[FIELDS * unit + KV_HEAD];
  }

  /** First query head. */
  int head(int unit) {
    return units[FIELDS * unit + HEAD];
  }

  int heads(int unit) {
    return units[FIELDS * unit + HEADS];
  }

  /** First row of the batch. */
  int row(int unit) {
    return units[FIELDS * unit + ROW];
  }

  /** Query vectors: rows times heads. */
  int queries(int unit) {
    return units[FIELDS * unit + ROWS] * heads(unit);
  }

  /** The largest position of its rows. */
  int last(int unit) {
    return units[FIELDS * unit + LAST];
  }

  /** The lowest position that any of its rows sees. */
  int lowest(int unit) {
    return units[FIELDS * unit + LOWEST];
  }

  @Override
  public void close() {
    if (partials != null) {
      partials.close();
    }
  }
}
