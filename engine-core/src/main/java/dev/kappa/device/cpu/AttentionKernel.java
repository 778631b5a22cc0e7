package dev.kappa.device.cpu;

import dev.kappa.device.AttentionShape;
import dev.kappa.device.Batch;
import dev.kappa.device.KvLayer;

/**
 * Causal attention over paged KV, in tiles of tokens at absolute positions (Dao et al., arXiv
 * 2205.14135). Tiles run in order within a segment, and segments, which start from nothing each,
 * are merged in order: so a long context can be computed by several threads with the bits of one.
 */
final class AttentionKernel {

  static final int MAX_HEAD_DIM = 256;

  /** Tokens of a segment; segments begin at multiples of it. */
  static final int SEGMENT = 16 * KvTile.TOKENS;

  private final long qkv;
  private final long out;
  private final Batch batch;
  private final AttentionShape shape;
  private final int headDim;
  private final long pitch;
  private final KvTile tiles;

  AttentionKernel(long qkv, Batch batch, AttentionShape shape, KvLayer layer, long out) {
    this.qkv = qkv;
    this.out = out;
    this.batch = batch;
    this.shape = shape;
    headDim = shape.headDim();
    pitch = SoftmaxState.pitch(headDim);
    tiles = new KvTile(batch, layer, headDim);
  }

  /** Runs the call. */
  void run(WorkerPool pool, Scratch scratch) {
    AttentionPlan plan = scratch.plan();
    plan.build(batch, shape, pool.threads());
    if (!plan.isSplit()) {
      pool.run(scratch, plan.units(), (own, unit) -> whole(own.attention(), plan, unit));
      return;
    }
    pool.run(
        scratch,
        plan.items(),
        (own, item) -> {
          int unit = plan.unitOf(item);
          int segment = plan.segmentOf(item);
          loadQueries(own.attention(), plan, unit);
          segment(own.attention(), plan, unit, segment, plan.partial(item));
        });
    pool.run(scratch, plan.units(), (own, unit) -> mergeAll(own.attention(), plan, unit));
  }

  private void whole(AttentionScratch scratch, AttentionPlan plan, int unit) {
    loadQueries(scratch, plan, unit);
    clear(scratch.total(), plan.queries(unit));
    for (int segment = 0; segment < plan.segments(unit); segment++) {
      segment(scratch, plan, unit, segment, scratch.segment());
      merge(plan, unit, segment, scratch.total(), scratch.segment());
    }
    finish(plan, unit, scratch.total());
  }

  private void mergeAll(AttentionScratch scratch, AttentionPlan plan, int unit) {
    clear(scratch.total(), plan.queries(unit));
    for (int segment = 0; segment < plan.segments(unit); segment++) {
      int item = plan.firstItem(unit) + segment;
      merge(plan, unit, segment, scratch.total(), plan.partial(item));
    }
    finish(plan, unit, scratch.total());
  }

  private void clear(long states, int queries) {
    for (int q = 0; q < queries; q++) {
      SoftmaxState.clear(states + q * pitch, headDim);
    }
  }

  /** Copies the unit's queries, scaled so that scores come out in units of log2. */
  private void loadQueries(AttentionScratch scratch, AttentionPlan plan, int unit) {
    float factor = shape.scale() * VectorMath.LOG2_E;
    for (int q = 0; q < plan.queries(unit); q++) {
      long from =
          qkv + 4L * shape.qkvColumns() * row(plan, unit, q) + 4L * headDim * head(plan, unit, q);
      Elements.scale(from, factor, scratch.queries(), q * TileKernel.A_PITCH, headDim);
    }
  }

  /** Computes the states of a unit over one segment alone. */
  private void segment(
      AttentionScratch scratch, AttentionPlan plan, int unit, int segment, long states) {
    clear(states, plan.queries(unit));
    int end = Math.min((segment + 1) * SEGMENT, plan.last(unit) + 1);
    for (int start = segment * SEGMENT; start < end; start += KvTile.TOKENS) {
      int count = Math.min(KvTile.TOKENS, end - start);
      int sequence = plan.sequence(unit);
      int kvHead = plan.kvHead(unit);
      tiles.loadKeys(sequence, kvHead, start, count, scratch);
      tiles.loadValues(sequence, kvHead, start, count, scratch.raw(), scratch.values());
      for (int q = 0; q < plan.queries(unit); q += TileKernel.ROWS) {
        tile(scratch, plan, unit, q, start, count, states + q * pitch);
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
      long states) {
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
    float[] weights = scratch.weights();
    for (int q = 0; q < present; q++) {
      int visible = batch.position(row(plan, unit, firstQuery + q)) + 1 - start;
      int at = q * TileKernel.A_PITCH;
      if (visible <= 0) {
        Elements.zero(weights, at, KvTile.TOKENS);
      } else {
        long from = scores + q * AttentionScratch.SCORE_PITCH;
        SoftmaxState.addTile(states + q * pitch, from, visible, weights, at, headDim);
      }
    }
    for (int d = 0; d < headDim; d += TileKernel.PANEL) {
      long values = scratch.values() + (long) d * KvTile.TOKENS * Float.BYTES;
      long target = SoftmaxState.values(states) + 4L * d;
      TileKernel.multiplyAdd(height, weights, 0, values, count, target, pitch);
    }
  }

  private void merge(AttentionPlan plan, int unit, int segment, long total, long part) {
    for (int q = 0; q < plan.queries(unit); q++) {
      if (batch.position(row(plan, unit, q)) >= segment * SEGMENT) {
        SoftmaxState.merge(total + q * pitch, part + q * pitch, headDim);
      }
    }
  }

  private void finish(AttentionPlan plan, int unit, long total) {
    long outColumns = (long) shape.heads() * headDim;
    for (int q = 0; q < plan.queries(unit); q++) {
      long to = out + 4 * (outColumns * row(plan, unit, q) + (long) headDim * head(plan, unit, q));
      SoftmaxState.finish(total + q * pitch, headDim, to);
    }
  }

  /** The batch row of a unit's query: heads of a row lie together. */
  private static int row(AttentionPlan plan, int unit, int query) {
    return plan.row(unit) + query / plan.heads(unit);
  }

  private static int head(AttentionPlan plan, int unit, int query) {
    return plan.head(unit) + query % plan.heads(unit);
  }
}
