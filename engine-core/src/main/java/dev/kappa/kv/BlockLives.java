package dev.kappa.kv;

import dev.kappa.device.Clock;
import dev.kappa.stats.Histogram;
import java.util.BitSet;
import java.util.HashMap;
import java.util.Map;

/**
 * How long blocks of a pool live, and how long nobody asks for them, told by a sample of one in a
 * hundred; the others cost a bit each. As vLLM has it: a life begins when a block is handed out,
 * ends when its content gives way to another's, and counts only if there was content. Confined to
 * the engine thread, but for the histograms.
 */
public final class BlockLives {

  /** Of so many blocks that are handed out, one is watched. */
  static final int SAMPLE = 100;

  /** Those of vLLM, in seconds. */
  private static final double[] BOUNDS = {
    0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600,
    1200, 1800
  };

  /** 2^64 divided by the golden ratio: multiples of it, modulo 2^64, are spread evenly. */
  private static final long SPREAD = 0x9E3779B97F4A7C15L;

  private static final long SAMPLED_BELOW = Long.divideUnsigned(-1, SAMPLE);

  /** A block that is watched. */
  private static final class Life {
    private final long born;
    private long used;

    private Life(long now) {
      born = now;
      used = now;
    }
  }

  private final Clock clock;
  private final BitSet watched = new BitSet();
  private final Map<Integer, Life> lives = new HashMap<>();
  private final Histogram lifetime = new Histogram(BOUNDS);
  private final Histogram idle = new Histogram(BOUNDS);
  private final Histogram reuseGap = new Histogram(BOUNDS);
  private long handedOut;

  BlockLives(Clock clock) {
    this.clock = clock;
  }

  /** Seconds from being handed out to losing the content. */
  public Histogram lifetime() {
    return lifetime;
  }

  /** Seconds from the last use to losing the content. */
  public Histogram idle() {
    return idle;
  }

  /** Seconds between uses, the first one counted from being handed out. */
  public Histogram reuseGap() {
    return reuseGap;
  }

  /** A block was handed out for new content. */
  void handedOut(int block) {
    if (isSampled(handedOut++)) {
      watched.set(block);
      lives.put(block, new Life(clock.nanos()));
    } else if (watched.get(block)) {
      // It never had content that others could find.
      end(block);
    }
  }

  /** A block's content was found and is read again. */
  void used(int block) {
    Life life = watched.get(block) ? lives.get(block) : null;
    if (life != null) {
      long now = clock.nanos();
      reuseGap.addNanos(now - life.used);
      life.used = now;
    }
  }

  /** A block's content gives way to another's. */
  void evicted(int block) {
    Life life = watched.get(block) ? lives.get(block) : null;
    if (life != null) {
      long now = clock.nanos();
      lifetime.addNanos(now - life.born);
      idle.addNanos(now - life.used);
      end(block);
    }
  }

  private void end(int block) {
    watched.clear(block);
    lives.remove(block);
  }

  /** By number, not by chance, so that runs repeat; spread, so as not to follow any rhythm. */
  private static boolean isSampled(long number) {
    return Long.compareUnsigned(number * SPREAD, SAMPLED_BELOW) < 0;
  }
}
