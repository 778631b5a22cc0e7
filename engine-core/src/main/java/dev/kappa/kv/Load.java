package dev.kappa.kv;

import dev.kappa.device.Event;
import dev.kappa.device.Stream;
import dev.kappa.kv.transfer.Lane;
import dev.kappa.kv.transfer.Rows;
import dev.kappa.kv.transfer.Transfer;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;

/**
 * A prefix on its way from host memory to the blocks of one sequence. The sequence joins a step
 * when waiting for what is still missing costs little; that step waits for each group of layers on
 * the device. Confined to the engine thread.
 */
public final class Load {

  private final Lane lane;
  private final Transfer transfer;
  private final int[] firstLayers;
  private final int layers;
  private final int blocks;
  private final Times times;
  private boolean joined;
  private boolean abandoned;
  private boolean settled;
  private long predictedNanos;
  private long predictedStallNanos;
  private long stallNanos;

  /**
   * @param copies by groups of layers
   * @param after when the target blocks are no longer used
   * @param times when it began, should be done, and is given up
   * @param whenSettled called once nothing moves any more
   */
  Load(
      Lane lane,
      List<List<Rows>> copies,
      int[] firstLayers,
      int layers,
      int blocks,
      Event after,
      Times times,
      Consumer<Load> whenSettled) {
    this.lane = lane;
    this.firstLayers = firstLayers;
    this.layers = layers;
    this.blocks = blocks;
    this.times = times;
    transfer =
        new Transfer(
            copies,
            after,
            times.due,
            done -> {
              settled = true;
              whenSettled.accept(this);
            });
  }

  /**
   * Times of the device's clock.
   *
   * @param due when it should be done; loads are copied in this order
   */
  record Times(long start, long due, long giveUp) {}

  Transfer transfer() {
    return transfer;
  }

  /** Queues the copies. */
  void submit() {
    lane.submit(transfer);
    predictedNanos = lane.nanosUntil(transfer, firstLayers.length - 1);
  }

  /** Blocks that are loaded. */
  public int blocks() {
    return blocks;
  }

  /** Bytes that are loaded. */
  public long bytes() {
    return transfer.bytes();
  }

  /** When it was begun. */
  public long startNanos() {
    return times.start;
  }

  /** How long it would take from its start, as was expected then, with what was before it. */
  public long predictedNanos() {
    return predictedNanos;
  }

  /** When all of it was there; {@link Long#MAX_VALUE} as long as that is not known. */
  public long endNanos() {
    boolean there = settled && transfer.isComplete();
    return there ? transfer.doneNanos(firstLayers.length - 1) : Long.MAX_VALUE;
  }

  /** Whether all of it has arrived. */
  public boolean isComplete() {
    return lane.isDone(transfer, firstLayers.length - 1);
  }

  /** Whether it has ended without arriving; its sequence must be planned anew. */
  public boolean hasFailed() {
    return settled && !transfer.isComplete();
  }

  /** When to give it up, unless it has been joined. */
  public long giveUpNanos() {
    return times.giveUp;
  }

  /**
   * How long a step would probably wait for it, were the step to start now.
   *
   * @param stepNanos how long the step computes
   */
  public long stallNanos(long stepNanos) {
    long stall = 0;
    for (int group = 0; group < firstLayers.length; group++) {
      long needed = stepNanos * firstLayers[group] / layers;
      stall = Math.max(stall, lane.nanosUntil(transfer, group) - needed);
    }
    return stall;
  }

  /**
   * Puts all copies in flight, so that a step can wait for them.
   *
   * @return false if that was refused; then it is about to have failed
   */
  public boolean join(long predictedStall) {
    joined = lane.flush(transfer);
    predictedStallNanos = predictedStall;
    return joined;
  }

  public boolean isJoined() {
    return joined;
  }

  /** The group that begins with a layer; -1 if none does. */
  public int groupAt(int layer) {
    return Arrays.binarySearch(firstLayers, layer);
  }

  /** Makes a stream wait for a group of a joined load. */
  public void await(int group, Stream stream) {
    lane.await(transfer, group, stream);
  }

  /**
   * Adds the time between a step's arrival at a group and that of the group, once all is settled;
   * returns it.
   */
  public long addStall(int group, long arrivedNanos) {
    long stall = transfer.isComplete() ? Math.max(0, transfer.doneNanos(group) - arrivedNanos) : 0;
    stallNanos += stall;
    return stall;
  }

  /** How long the step that joined was expected to wait for it. */
  public long predictedStallNanos() {
    return predictedStallNanos;
  }

  /** How long it did. */
  public long stallNanos() {
    return stallNanos;
  }

  /** Device time of its copies, once they are done. */
  public long copyNanos() {
    return transfer.copyNanos();
  }

  /** Gives it up: what is not in flight yet is not copied. */
  void abandon() {
    abandoned = true;
    lane.cancel(transfer);
  }

  /** Whether its sequence no longer waits for it. */
  boolean isAbandoned() {
    return abandoned;
  }

  boolean isSettled() {
    return settled;
  }
}
