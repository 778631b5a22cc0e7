package dev.kappa.device.cpu;

import dev.kappa.device.AttentionShape;
import dev.kappa.device.Batch;
import dev.kappa.device.KvLayer;
import dev.kappa.device.KvSpan;
import org.jspecify.annotations.Nullable;

/**
 * Causal attention over paged KV, in tiles of tokens at absolute positions (Dao et al., arXiv
 * 2205.14135). Tiles run in order within a segment, and segments, which start from nothing each,
 * are merged in order: so a long context can be computed by several threads, or in spans of whole
 * tiles, with the bits of one. What lies before the windows of all rows of a unit is passed over.
 */
final class AttentionKernel {

  static final int MAX_HEAD_DIM = 256;

  /** Tokens of a segment; segments begin at multiples of it. */
  static final int SEGMENT = 16 * KvTile.TOKENS;

  private final long qkv;
  private final Batch batch;
  private final AttentionShape shape;
  private final int headDim;
  private final KvTile tiles;
  private final UnitStates states;
  private final long pitch;
  private final int first;
  private final int end;
  private final @Nullable CarriedStates carried;
  private final long out;

  /** Attention over whole contexts, written to {@code out}. */
  AttentionKernel(long qkv, Batch batch, AttentionShape shape, KvLayer layer, long out) {
    this.qkv = qkv;
    this.batch = batch;
    this.shape = shape;
    this.out = out;
    headDim = shape.headDim();
    tiles = new KvTile(batch, layer, headDim);
    states = new UnitStates(batch, shape);
    pitch = states.pitch();
    first = 0;
    end = Integer.MAX_VALUE;
    carried = null;
  }

  /** Attention over one span, taken into {@code carried}. */
  AttentionKernel(
      long qkv,
      Batch batch,
      AttentionShape shape,
      KvLayer layer,
      KvSpan span,
      CarriedStates carried) {
    this.qkv = qkv;
    this.batch = batch;
    this.shape = shape;
    this.carried = carried;
    headDim = shape.headDim();
    tiles = new KvTile(batch, layer, headDim, span);
    states = new UnitStates(batch, shape);
    pitch = states.pitch();
    first = span.first();
    end = span.end();
    out = 0;
  }

  /** Runs the call. */
  void run(WorkerPool pool, Scratch scratch) {
    if (carried != null && first > 0 && carried.end() != first) {
      throw new IllegalStateException(
          "a span from %d after one that ended at %d".formatted(first, carried.end()));
    }
    AttentionPlan plan = scratch.plan();
    plan.build(batch, shape, first, end, pool.threads());
    if (plan.isSplit()) {
      pool.run(scratch, plan.items(), (own, item) -> item(own.attention(), plan, item));
      pool.run(scratch, plan.units(), (own, unit) -> mergeAll(own.attention(), plan, unit));
    } else {
      pool.run(scratch, plan.units(), (own, unit) -> whole(own.attention(), plan, unit));
    }
    if (carried != null) {
      carried.end(end);
    }
  }

  private void whole(AttentionScratch scratch, AttentionPlan plan, int unit) {
    long total = beginTotal(scratch, plan, unit);
    long running = carried == null ? scratch.segment() : carried.segment(plan, unit);
    if (plan.segments(unit) > 0) {
      loadQueries(scratch, plan, unit);
    }
    for (int i = 0; i < plan.segments(unit); i++) {
      int segment = plan.firstSegment(unit) + i;
      segment(scratch, plan, unit, segment, running);
      if (ends(segment)) {
        states.merge(plan, unit, segment, end, total, running);
      }
    }
    finish(plan, unit, total);
  }

  /** One segment of a unit, where they are computed apart. */
  private void item(AttentionScratch scratch, AttentionPlan plan, int item) {
    int unit = plan.unitOf(item);
    int segment = plan.segmentOf(item);
    loadQueries(scratch, plan, unit);
    segment(scratch, plan, unit, segment, statesOf(plan, unit, segment));
  }

  private void mergeAll(AttentionScratch scratch, AttentionPlan plan, int unit) {
    long total = beginTotal(scratch, plan, unit);
    for (int i = 0; i < plan.segments(unit); i++) {
      int segment = plan.firstSegment(unit) + i;
      long part = statesOf(plan, unit, segment);
      if (ends(segment)) {
        states.merge(plan, unit, segment, end, total, part);
      } else if (carried != null && begins(segment)) {
        states.copy(plan, unit, part, carried.segment(plan, unit));
      }
    }
    finish(plan, unit, total);
  }

  /** Where a segment computed apart has its states: one that goes on, where it began. */
  private long statesOf(AttentionPlan plan, int unit, int segment) {
    return carried != null && !begins(segment)
        ? carried.segment(plan, unit)
        : plan.partial(plan.firstItem(unit) + segment - plan.firstSegment(unit));
  }

  /** Whether a segment begins in this call, not in an earlier span. */
  private boolean begins(int segment) {
    return segment * SEGMENT >= first;
  }

  /** Whether no later span has tokens of a segment. */
  private boolean ends(int segment) {
    return end - SEGMENT >= segment * SEGMENT;
  }

  private long beginTotal(AttentionScratch scratch, AttentionPlan plan, int unit) {
    long total = carried == null ? scratch.total() : carried.total(plan, unit);
    if (first == 0) {
      states.clear(plan, unit, total);
    }
    return total;
  }

  private void finish(AttentionPlan plan, int unit, long total) {
    if (carried == null) {
      states.finish(plan, unit, total, out);
    }
  }

  /** Copies the unit's queries, scaled so that scores come out in units of log2. */
  private void loadQueries(AttentionScratch scratch, AttentionPlan plan, int unit) {
    float factor = shape.scale() * VectorMath.LOG2_E;
    for (int q = 0; q < plan.queries(unit); q++) {
      long row = (long) shape.qkvColumns() * UnitStates.row(plan, unit, q);
      long from = qkv + 4 * (row + (long) headDim * UnitStates.head(plan, unit, q));
      Elements.scale(from, factor, scratch.queries(), q * TileKernel.A_PITCH, headDim);
    }
  }

  /** Takes this call's tokens of one segment into the states of a unit. */
  private void segment(
      AttentionScratch scratch, AttentionPlan plan, int unit, int segment, long running) {
    if (begins(segment)) {
      states.clear(plan, unit, running);
    }
    int lowestTile = plan.lowest(unit) / KvTile.TOKENS * KvTile.TOKENS;
    int from = Math.max(Math.max(segment * SEGMENT, first), lowestTile);
    int to = Math.min(Math.min(segment * SEGMENT + SEGMENT, end), plan.last(unit) + 1);
    for (int start = from; start < to; start += KvTile.TOKENS) {
      int count = Math.min(KvTile.TOKENS, to - start);
      int sequence = plan.sequence(unit);
      int kvHead = plan.kvHead(unit);
      tiles.loadKeys(sequence, kvHead, start, count, scratch);
      tiles.loadValues(sequence, kvHead, start, count, scratch.raw(), scratch.values());
      if (start < plan.lowest(unit)) {
        tiles.clearValues(scratch.values(), plan.lowest(unit) - start);
      }
      for (int q = 0; q < plan.queries(unit); q += TileKernel.ROWS) {
        tile(scratch, plan, unit, q, start, count, running + q * pitch);
      }
    }
  }

  /** Takes one tile of tokens into the states of one tile of queries. */
  private void tile(
      AttentionScratch scratch,
      AttentionPlan plan,
      int unit,
      int firstQuery,
      int start,
      int count,
      long running) {
    int present = Math.min(TileKernel.ROWS, plan.queries(unit) - firstQuery);
    int height = TileKernel.height(present);
    long scores = scratch.scores();
    Elements.zero(scores, height * KvTile.TOKENS);
    for (int t = 0; t < count; t += TileKernel.PANEL) {
      TileKernel.multiplyAdd(
          height,
          scratch.queries(),
          firstQuery * TileKernel.A_PITCH,
          scratch.keys() + (long) t * headDim * Float.BYTES,
          headDim,
          scores + 4L * t,
          AttentionScratch.SCORE_PITCH);
    }
    if (shape.softcap() > 0) {
      // Scores are in units of log2, and so is their bound.
      VectorMath.softcap(scores, present * KvTile.TOKENS, shape.softcap() * VectorMath.LOG2_E);
    }
    float[] weights = scratch.weights();
    for (int q = 0; q < present; q++) {
      int position = batch.position(UnitStates.row(plan, unit, firstQuery + q));
      int hidden = Math.max(0, shape.firstSeen(position) - start);
      int visible = position + 1 - start;
      int at = q * TileKernel.A_PITCH;
      if (visible <= 0 || hidden >= KvTile.TOKENS) {
        Elements.zero(weights, at, KvTile.TOKENS);
      } else {
        long from = scores + q * AttentionScratch.SCORE_PITCH;
        SoftmaxState.addTile(running + q * pitch, from, hidden, visible, weights, at, headDim);
      }
    }
    for (int d = 0; d < headDim; d += TileKernel.PANEL) {
      long values = scratch.values() + (long) d * KvTile.TOKENS * Float.BYTES;
      long target = SoftmaxState.values(running) + 4L * d;
      TileKernel.multiplyAdd(height, weights, 0, values, count, target, pitch);
    }
  }
}
