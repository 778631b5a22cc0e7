package dev.kappa.schedule;

import dev.kappa.kv.KvCache;
import dev.kappa.kv.Outlook;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Keeps the link and the device both at work. Every waiting sequence is bound by one of them: it
 * takes longer to load its prefix, or to compute what it lacks. Of those that wait, the oldest is
 * started that is bound by whichever has less to do; the blocks of a load are not taken long before
 * the link gets to it. One whose prefix another sequence is producing waits for that (a delayed
 * hit), for a time.
 *
 * <p><b>No starvation.</b> When a sequence has been passed {@link #MAX_PASSED} times by younger
 * ones, none passes it any more, so that its turn comes when those before it have ended. Not
 * thread-safe.
 */
final class KappaAdmission implements Admission {

  /** How often a waiting sequence can be passed by younger ones. */
  static final int MAX_PASSED = 32;

  /** Waiting sequences that are looked at. */
  private static final int WINDOW = 32;

  /** Waiting sequences that are looked at, those included that wait for others. */
  private static final int WIDE_WINDOW = 256;

  /** Loads of so much link time may be queued in any case: small ones come in crowds. */
  private static final long SHORT_QUEUE_NANOS = 20_000_000;

  /** How old what is known of a waiting sequence may be; only its class depends on it. */
  private static final long OUTLOOK_NANOS = 1_000_000_000;

  /** A hit is worth waiting for if it spares one part in so many of what is to be computed. */
  private static final int LEAST_HIT = 4;

  /** How many times what a hit spares is waited for it. */
  private static final int PATIENCE = 2;

  private final Scheduler scheduler;
  private final KvCache cache;
  private int deferred;

  /**
   * A sequence that may start.
   *
   * @param linkNanos to load what is in host memory of it
   * @param deviceNanos to compute the rest
   * @param blocks the least that it needs
   */
  private record Candidate(Sequence sequence, long linkNanos, long deviceNanos, int blocks) {

    boolean isLinkBound() {
      return linkNanos > deviceNanos;
    }
  }

  KappaAdmission(Scheduler scheduler, KvCache cache) {
    this.scheduler = scheduler;
    this.cache = cache;
  }

  @Override
  public int deferred() {
    return deferred;
  }

  @Override
  public void plan(Draft draft) {
    // What was loaded has few tokens to compute and keeps the next load from its blocks.
    scheduler.planPrefills(draft, KappaAdmission::wasLoaded);
    scheduler.planPrefills(draft, sequence -> !wasLoaded(sequence));
    List<Candidate> candidates = candidates(draft);
    List<Candidate> refused = new ArrayList<>();
    boolean anyStarted = false;
    while (scheduler.places() > 0 && !candidates.isEmpty()) {
      long onDevice = scheduler.deviceNanos(draft);
      Candidate next = choose(candidates, draft, onDevice);
      if (next == null) {
        return;
      }
      candidates.remove(next);
      if (anyStarted && awaitsStarted(draft, next.sequence)) {
        deferred++;
        continue;
      }
      if (scheduler.start(draft, next.sequence, onDevice)) {
        anyStarted = true;
        candidates.forEach(other -> notePassed(other.sequence, next.sequence));
        refused.forEach(other -> notePassed(other.sequence, next.sequence));
        if (draft.budget() > 0) {
          scheduler.planPrefill(draft, next.sequence);
        }
      } else {
        // What is cached of it takes free blocks, too, so that it may lack some after all.
        refused.add(next);
      }
    }
  }

  private static boolean wasLoaded(Sequence sequence) {
    return sequence.hostPrompt() > 0;
  }

  private static void notePassed(Sequence waiting, Sequence started) {
    if (waiting.arrival() < started.arrival()) {
      waiting.pass();
    }
  }

  /** The oldest of the wanted kind, or of the other. */
  private @Nullable Candidate choose(List<Candidate> candidates, Draft draft, long onDevice) {
    long onLink = cache.forecast().queueNanos();
    boolean wantsLinkBound = onLink <= onDevice;
    Candidate second = null;
    for (Candidate candidate : candidates) {
      if (mayStart(candidate, draft, onLink)) {
        if (candidate.isLinkBound() == wantsLinkBound) {
          return candidate;
        }
        second = second == null ? candidate : second;
      }
    }
    return second;
  }

  private boolean mayStart(Candidate candidate, Draft draft, long onLink) {
    int free = cache.pool().free();
    if (candidate.blocks > free) {
      return false;
    }
    if (!candidate.isLinkBound()) {
      return draft.budget() > 0;
    }
    boolean isNext = onLink <= Math.max(SHORT_QUEUE_NANOS, candidate.linkNanos);
    boolean plenty = free - candidate.blocks > cache.pool().total() / 2;
    return isNext || plenty;
  }

  /** Waiting sequences that may start, oldest first. */
  private List<Candidate> candidates(Draft draft) {
    List<Candidate> candidates = new ArrayList<>();
    deferred = 0;
    Sequence sequence = scheduler.waitingBehind(null);
    for (int seen = 0;
        sequence != null && seen < WIDE_WINDOW && candidates.size() < WINDOW;
        sequence = scheduler.waitingBehind(sequence)) {
      seen++;
      if (scheduler.isLong(sequence)) {
        if (!scheduler.passLong(sequence, candidates.isEmpty())) {
          return candidates;
        }
      } else if (scheduler.places() == 0) {
        return candidates;
      } else if (awaitsHit(draft, sequence)) {
        deferred++;
      } else {
        candidates.add(candidate(sequence, draft.now()));
        if (sequence.passed() >= MAX_PASSED) {
          return candidates;
        }
      }
    }
    return candidates;
  }

  private Candidate candidate(Sequence sequence, long now) {
    Outlook outlook = outlook(sequence, now);
    int cached = outlook.cachedTokens();
    int needed = cache.layout().blocksFor(scheduler.room(sequence, cached));
    return new Candidate(
        sequence,
        cache.forecast().loadNanos(outlook.hostBytes()),
        scheduler.deviceNanos(cached, sequence.length() - cached),
        needed - outlook.deviceTokens() / cache.layout().blockTokens());
  }

  /** Whether a sequence should wait for one that was started after it had been looked up. */
  private boolean awaitsStarted(Draft draft, Sequence sequence) {
    look(sequence, draft.now());
    return awaitsHit(draft, sequence);
  }

  /** Whether a sequence should wait for what another one is producing. */
  private boolean awaitsHit(Draft draft, Sequence sequence) {
    Outlook outlook = outlook(sequence, draft.now());
    if (outlook.awaits() && !cache.forecast().isProduced(sequence.blocks(), outlook)) {
      outlook = look(sequence, draft.now());
    }
    int lacking = sequence.length() - outlook.cachedTokens();
    if (!outlook.awaits() || outlook.producedTokens() * LEAST_HIT < lacking) {
      return false;
    }
    long spared = scheduler.deviceNanos(outlook.cachedTokens(), outlook.producedTokens());
    sequence.awaitHit(draft.now() + PATIENCE * spared);
    if (draft.now() >= sequence.hitDeadline()) {
      return false;
    }
    draft.again(sequence.hitDeadline());
    return true;
  }

  private Outlook outlook(Sequence sequence, long now) {
    Outlook known = sequence.outlook();
    boolean isFresh = known != null && now - sequence.outlookNanos() < OUTLOOK_NANOS;
    return known != null && isFresh ? known : look(sequence, now);
  }

  private Outlook look(Sequence sequence, long now) {
    Outlook found =
        cache
            .forecast()
            .outlook(sequence.blocks(), sequence.tokens(), sequence.length(), sequence.prefixUse());
    sequence.outlook(found, now);
    return found;
  }
}
