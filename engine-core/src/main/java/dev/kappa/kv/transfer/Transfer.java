package dev.kappa.kv.transfer;

import dev.kappa.device.Event;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Copies that belong together, in groups that are done one after the other. Once submitted, its
 * {@link Lane} owns and guards it until it is settled; then it does not change any more.
 */
public final class Transfer {

  /** Whom to tell the outcome. */
  @FunctionalInterface
  public interface Owner {

    /** Called once by {@link Lane#settle}: no byte of the transfer moves any more. */
    void onSettled(Transfer transfer);
  }

  private final List<List<Rows>> groups;
  private final Event after;
  private final long deadline;
  private final Owner owner;
  private final @Nullable Event[] ends;
  private final long[] doneNanos;
  private final long[] bytesThrough;
  private final long bytes;
  private boolean background;

  private int group;
  private int index;
  private int row;
  private int inFlight;
  private int groupsDone;
  private long remaining;
  private long copyNanos;
  private boolean begun;
  private boolean ended;
  private @Nullable RuntimeException failure;

  /**
   * @param groups copies of each group, none of them empty
   * @param after nothing is copied before its latest recording at the time of the first copy
   * @param deadline when the transfer should be done, by the device's clock; of several transfers
   *     the one with the earliest deadline is copied first
   */
  public Transfer(List<List<Rows>> groups, Event after, long deadline, Owner owner) {
    this.groups = groups;
    this.after = after;
    this.deadline = deadline;
    this.owner = owner;
    ends = new @Nullable Event[groups.size()];
    doneNanos = new long[groups.size()];
    bytesThrough = new long[groups.size()];
    long sum = 0;
    for (int g = 0; g < groups.size(); g++) {
      for (Rows copy : groups.get(g)) {
        sum += copy.bytes();
      }
      bytesThrough[g] = sum;
    }
    bytes = sum;
    remaining = sum;
  }

  /**
   * Makes it one that gives way, see {@link Lane#yieldTo}; before it is submitted.
   *
   * @return itself
   */
  public Transfer inBackground() {
    background = true;
    return this;
  }

  /** Bytes of all copies. */
  public long bytes() {
    return bytes;
  }

  /** Whether it was copied as a whole; for use once it is settled. */
  public boolean isComplete() {
    return groupsDone == groups.size();
  }

  /** Time that the device spent copying; for use once it is settled. */
  public long copyNanos() {
    return copyNanos;
  }

  /** Why it was not copied, if it was not cancelled; for use once it is settled. */
  public @Nullable RuntimeException failure() {
    return failure;
  }

  /** When a group was there, by the device's clock; for use once it is settled. */
  public long doneNanos(int ofGroup) {
    return doneNanos[ofGroup];
  }

  long deadline() {
    return deadline;
  }

  boolean isBackground() {
    return background;
  }

  Event after() {
    return after;
  }

  Owner owner() {
    return owner;
  }

  // ---- from here on guarded by the lane ----

  /** Whether something is left to submit. */
  boolean hasNext() {
    return !ended && group < groups.size();
  }

  Rows next() {
    return groups.get(group).get(index);
  }

  int nextRow() {
    return row;
  }

  int nextGroup() {
    return group;
  }

  /** Marks its first submission; returns whether this is it. */
  boolean begin() {
    boolean first = !begun;
    begun = true;
    return first;
  }

  /** Notes that rows went to the stream; returns whether they were the last of their group. */
  boolean submitted(int rows) {
    Rows copy = next();
    remaining -= rows * copy.width();
    row += rows;
    if (row < copy.height()) {
      return false;
    }
    row = 0;
    if (++index < groups.get(group).size()) {
      return false;
    }
    index = 0;
    group++;
    return true;
  }

  /** Notes that a piece is in flight. */
  void pieceBegun() {
    inFlight++;
  }

  void setEnd(int ofGroup, Event event) {
    ends[ofGroup] = event;
  }

  @Nullable Event end(int ofGroup) {
    return ends[ofGroup];
  }

  /** Notes that a piece in flight is done. */
  void pieceDone(long nanos) {
    inFlight--;
    copyNanos += nanos;
  }

  void groupDone(long atNanos) {
    doneNanos[groupsDone] = atNanos;
    ends[groupsDone] = null;
    groupsDone++;
  }

  boolean isDone(int ofGroup) {
    return ofGroup < groupsDone;
  }

  /** Gives up what is not submitted yet. */
  void end(@Nullable RuntimeException why) {
    ended = true;
    remaining = 0;
    if (failure == null) {
      failure = why;
    }
  }

  /** Whether what was not submitted by then was given up. */
  boolean hasEnded() {
    return ended;
  }

  /** Whether nothing is left to submit and nothing in flight. */
  boolean isSettled() {
    return inFlight == 0 && !hasNext();
  }

  /** Bytes not submitted yet. */
  long remaining() {
    return remaining;
  }

  /** Bytes not submitted yet up to the end of a group. */
  long remainingThrough(int last) {
    return Math.max(0, bytesThrough[last] - (bytes - remaining));
  }
}
