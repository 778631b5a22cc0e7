package dev.kappa.schedule;

import dev.kappa.kv.BlockTable;
import dev.kappa.kv.Load;
import dev.kappa.kv.Outlook;
import dev.kappa.kv.PrefixUse;
import dev.kappa.kv.Reservation;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The tokens of one request and how far their KV is computed. Owned by the engine thread; the
 * scheduler changes its block table and progress, the engine appends sampled tokens.
 */
public final class Sequence {

  private static final long UNSET = Long.MAX_VALUE;

  private final int promptLength;
  private final int maxLength;
  private final BlockTable blocks;
  private int[] tokens;
  private int length;
  private int computed;
  private int headEnd;
  private int resume;
  private int cachedPrompt = -1;
  private int hostPrompt;
  private PrefixUse prefixUse;
  private @Nullable Load restored;
  private boolean started;
  private long arrival;
  private int preemptions;
  private int passed;
  private @Nullable Outlook outlook;
  private long outlookNanos;
  private long hitDeadline = UNSET;

  /**
   * @param prompt the first tokens; copied
   * @param maxLength the length at which the sequence ends at the latest
   * @param allPromptLogits whether the logits of every prompt token are wanted, so that none may
   *     come from the prefix cache
   * @param blocks an empty table
   */
  public Sequence(int[] prompt, int maxLength, boolean allPromptLogits, BlockTable blocks) {
    this.promptLength = prompt.length;
    this.maxLength = maxLength;
    this.blocks = blocks;
    prefixUse = allPromptLogits ? PrefixUse.NONE : PrefixUse.ALL;
    this.tokens = prompt.clone();
    this.length = prompt.length;
  }

  /** Tokens of the prompt. */
  public int promptLength() {
    return promptLength;
  }

  /** Tokens so far, prompt and output. */
  public int length() {
    return length;
  }

  /** Length at which the sequence ends at the latest. */
  public int maxLength() {
    return maxLength;
  }

  /** Leading tokens whose KV is in the blocks once all planned steps are done. */
  public int computed() {
    return computed;
  }

  /** The token at a position. */
  public int token(int position) {
    java.util.Objects.checkIndex(position, length);
    return tokens[position];
  }

  public BlockTable blocks() {
    return blocks;
  }

  /** Prompt tokens that came from the cache at the admission that it started from; -1 before it. */
  public int cachedPrompt() {
    return cachedPrompt;
  }

  /** How many of these came from host memory. */
  public int hostPrompt() {
    return hostPrompt;
  }

  /** The load that brought them; null if there was none. */
  public @Nullable Load restored() {
    return restored;
  }

  /** End of the tokens that are computed before the part of the prefix that is loaded. */
  public int headEnd() {
    return headEnd;
  }

  /** Where computing goes on behind that part. */
  public int resume() {
    return resume;
  }

  /** Tokens that are still to be computed. */
  int remaining() {
    return length - computed - gap();
  }

  /** Tokens to be computed before the part of the prefix that is loaded; 0 once they are. */
  int head() {
    return Math.max(0, headEnd - computed);
  }

  /** The next token to compute. */
  int next() {
    return gap() == 0 || head() > 0 ? computed : resume;
  }

  /** Goes on behind the part of the prefix that was loaded; returns whether there was one. */
  boolean passGap() {
    if (gap() == 0) {
      return false;
    }
    computed = resume;
    return true;
  }

  /** Tokens that are loaded behind those computed next. */
  private int gap() {
    return computed <= headEnd ? resume - headEnd : 0;
  }

  /** Whether it waits for a load that no step has joined. */
  boolean isLoading() {
    Load load = blocks.load();
    return load != null && !load.isJoined();
  }

  /** Its place in the order of arrival. */
  long arrival() {
    return arrival;
  }

  void arrived(long number) {
    arrival = number;
  }

  /** Which cached blocks may serve it. */
  PrefixUse prefixUse() {
    return prefixUse;
  }

  /** How often the sequence lost its blocks to others. */
  public int preemptions() {
    return preemptions;
  }

  /** Adds a sampled token. */
  public void append(int token) {
    if (length == maxLength) {
      throw new IllegalStateException("the sequence has its full length of " + maxLength);
    }
    if (length == tokens.length) {
      tokens = Arrays.copyOf(tokens, (int) Math.min(maxLength, 2L * length + 16));
    }
    tokens[length++] = token;
  }

  /** The token array itself, for hashing; valid up to {@link #length()}. */
  int[] tokens() {
    return tokens;
  }

  void admitted(Reservation reservation) {
    computed = reservation.start();
    headEnd = reservation.headEnd();
    resume = reservation.resume();
    passed = 0;
    outlook = null;
    hitDeadline = UNSET;
    if (!started) {
      cachedPrompt = reservation.cachedTokens();
      hostPrompt = reservation.hostTokens();
      restored = blocks.load();
    }
  }

  void advance(int count) {
    computed += count;
    started = true;
  }

  /** It has lost its blocks to others. */
  void preempted() {
    restart();
    preemptions++;
  }

  /** Its load did not arrive; what host memory holds is computed instead. */
  void loadFailed() {
    restart();
    prefixUse = PrefixUse.DEVICE;
    if (started) {
      cachedPrompt -= hostPrompt;
      hostPrompt = 0;
      restored = null;
    }
  }

  private void restart() {
    computed = 0;
    headEnd = 0;
    resume = 0;
  }

  /** How often one that came later was admitted before it, since it has been waiting. */
  int passed() {
    return passed;
  }

  void pass() {
    passed++;
  }

  /** What the cache held of it when it was last looked up; null if that was not done. */
  @Nullable Outlook outlook() {
    return outlook;
  }

  /** When it was looked up. */
  long outlookNanos() {
    return outlookNanos;
  }

  void outlook(Outlook found, long now) {
    outlook = found;
    outlookNanos = now;
  }

  /** When waiting for what others produce ends; far away before it has begun. */
  long hitDeadline() {
    return hitDeadline;
  }

  /** Begins to wait for what others produce. */
  void awaitHit(long deadline) {
    if (hitDeadline == UNSET) {
      hitDeadline = deadline;
    }
  }
}
