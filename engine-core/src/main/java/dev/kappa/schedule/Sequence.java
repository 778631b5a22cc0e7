package dev.kappa.schedule;

import dev.kappa.kv.BlockTable;
import dev.kappa.kv.Load;
import dev.kappa.kv.PrefixUse;
import dev.kappa.kv.Reservation;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The tokens of one request and how far their KV is computed. Owned by the engine thread; the
 * scheduler changes its block table and progress, the engine appends sampled tokens.
 */
public final class Sequence {

  private final int promptLength;
  private final int maxLength;
  private final BlockTable blocks;
  private int[] tokens;
  private int length;
  private int computed;
  private int cachedPrompt = -1;
  private int hostPrompt;
  private PrefixUse prefixUse;
  private @Nullable Load restored;
  private boolean started;
  private long arrival;
  private int preemptions;

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
    computed = reservation.cachedTokens();
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
    computed = 0;
    preemptions++;
  }

  /** Its load did not arrive; what host memory holds is computed instead. */
  void loadFailed() {
    computed = 0;
    prefixUse = PrefixUse.DEVICE;
  }
}
