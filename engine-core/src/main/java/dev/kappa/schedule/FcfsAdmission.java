package dev.kappa.schedule;

import dev.kappa.kv.KvCache;
import dev.kappa.kv.PrefixUse;
import java.util.ArrayList;
import java.util.List;

/**
 * First come, first served while the step has room. One that has to wait for its turn starts to
 * load what host memory has of it, if that takes no block from those before it. Not thread-safe.
 */
final class FcfsAdmission implements Admission {

  /** Waiting sequences that may be passed by one that starts to load. */
  private static final int LOOK_AHEAD = 8;

  private final Scheduler scheduler;
  private final KvCache cache;

  FcfsAdmission(Scheduler scheduler, KvCache cache) {
    this.scheduler = scheduler;
    this.cache = cache;
  }

  @Override
  public void plan(Draft draft) {
    // One that began to load while others were before it in the queue is after them here, too.
    long turn = firstWaiting();
    scheduler.planPrefills(draft, sequence -> sequence.arrival() < turn);
    admit(draft);
    scheduler.planPrefills(draft, sequence -> sequence.arrival() >= turn);
  }

  /** When the first of those arrived whose turn it is to be admitted. */
  private long firstWaiting() {
    Sequence first = scheduler.waitingBehind(null);
    while (first != null && scheduler.isLong(first)) {
      first = scheduler.waitingBehind(first);
    }
    return first == null ? Long.MAX_VALUE : first.arrival();
  }

  private void admit(Draft draft) {
    List<Sequence> passed = new ArrayList<>();
    int claimed = 0;
    for (Sequence sequence = scheduler.waitingBehind(null);
        sequence != null;
        sequence = scheduler.waitingBehind(sequence)) {
      if (scheduler.isLong(sequence)) {
        if (!scheduler.passLong(sequence, passed.isEmpty())) {
          return;
        }
        continue;
      }
      if (passed.size() >= scheduler.places() || passed.size() > LOOK_AHEAD) {
        return;
      }
      boolean inTurn = passed.isEmpty() && draft.budget() > 0;
      int needed = scheduler.mostBlocks(scheduler.capacity(sequence));
      boolean fits = needed <= cache.pool().free() - claimed;
      if ((inTurn || (fits && wouldLoad(sequence))) && start(draft, sequence, passed)) {
        if (inTurn) {
          scheduler.planPrefill(draft, sequence);
        }
      } else {
        passed.add(sequence);
        claimed += needed;
      }
    }
  }

  private boolean start(Draft draft, Sequence sequence, List<Sequence> passed) {
    long before = scheduler.deviceNanos(draft);
    for (Sequence other : passed) {
      before += scheduler.deviceNanos(0, other.length());
    }
    return scheduler.start(draft, sequence, before);
  }

  private boolean wouldLoad(Sequence sequence) {
    return sequence.prefixUse() == PrefixUse.ALL
        && cache.forecast().wouldLoad(sequence.blocks(), sequence.tokens(), sequence.length());
  }
}
