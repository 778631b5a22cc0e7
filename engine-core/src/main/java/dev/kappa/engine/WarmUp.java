package dev.kappa.engine;

import dev.kappa.device.Clock;
import dev.kappa.device.LayerKv;
import dev.kappa.kv.BlockTable;
import dev.kappa.kv.KvCache;
import dev.kappa.kv.PrefixUse;
import dev.kappa.kv.RestoreSplit;
import dev.kappa.schedule.Sequence;
import dev.kappa.schedule.StepPlan;
import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * Runs steps on made-up tokens before the first request. Just-in-time compiled kernels are slower
 * by orders of magnitude until they are compiled, and a first request would pay for it; other
 * devices load their libraries here. Leaves nothing behind in the KV cache.
 */
final class WarmUp implements StepRunner.RowSink {

  private static final long BUDGET_NANOS = 1_500_000_000;

  /** Prefill chunks whose rows bring out every remainder of a kernel's row tiles. */
  private static final int[] ROWS = {64, 31, 12, 6, 3, 2};

  private final StepRunner runner;
  private final KvCache cache;
  private final LayerKv gate;
  private final int limit;
  private boolean wholeRows;

  /**
   * @param limit most tokens of a sequence and of a step
   */
  WarmUp(StepRunner runner, KvCache cache, LayerKv gate, int limit) {
    this.runner = runner;
    this.cache = cache;
    this.gate = gate;
    this.limit = limit;
  }

  /** Runs for about {@value #BUDGET_NANOS} nanoseconds, at least once. */
  void run(Clock clock) {
    long end = clock.nanos() + BUDGET_NANOS;
    int round = 0;
    do {
      prefillAndDecode(Math.min(ROWS[round % ROWS.length], limit - 1));
      wholeRows = !wholeRows;
      round++;
    } while (clock.nanos() < end);
  }

  private void prefillAndDecode(int rows) {
    if (rows < 1) {
      return;
    }
    int[] tokens = new int[rows + 1];
    BlockTable blocks = new BlockTable("");
    if (cache.reserve(
            blocks, tokens, tokens.length, tokens.length, PrefixUse.NONE, RestoreSplit.LOAD_ALL)
        == null) {
      return;
    }
    Sequence sequence = new Sequence(tokens, tokens.length, true, blocks);
    try {
      runner.run(new StepPlan(List.of(new StepPlan.Chunk(sequence, 0, rows))), gate, this);
      runner.run(new StepPlan(List.of(new StepPlan.Chunk(sequence, rows, 1))), gate, this);
    } finally {
      cache.release(blocks);
    }
  }

  @Override
  public StepRunner.Want want(StepPlan.Chunk chunk, int position) {
    if (position + 1 < chunk.start() + chunk.count()) {
      return StepRunner.Want.NOTHING;
    }
    return wholeRows ? StepRunner.Want.LOGITS : StepRunner.Want.ARGMAX;
  }

  @Override
  public void onArgmax(StepPlan.Chunk chunk, int position, int token) {}

  @Override
  public void onLogits(StepPlan.Chunk chunk, int position, MemorySegment logits, int row) {}
}
