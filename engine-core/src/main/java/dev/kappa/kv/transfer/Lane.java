package dev.kappa.kv.transfer;

import dev.kappa.device.Clock;
import dev.kappa.device.Device;
import dev.kappa.device.DeviceException;
import dev.kappa.device.Event;
import dev.kappa.device.Memory;
import dev.kappa.device.Stream;
import dev.kappa.device.Worker;
import dev.kappa.stats.Histogram;
import java.util.ArrayDeque;
import java.util.Comparator;
import java.util.PriorityQueue;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.jspecify.annotations.Nullable;

/**
 * One direction of the link. Of all transfers the one with the earliest deadline is copied first,
 * in pieces so small that a later but more urgent one need not wait long, and with so much in
 * flight that the link never idles. {@link #submit}, {@link #cancel}, {@link #flush} and {@link
 * #settle} are the engine thread's; the rest is thread-safe.
 */
public final class Lane implements AutoCloseable {

  /** Link time in flight: several times what it takes to notice a completion and submit again. */
  private static final long WINDOW_NANOS = 3_000_000;

  /** Link time of a piece: how long an urgent transfer may wait for one that was begun. */
  private static final long PIECE_NANOS = 1_000_000;

  private static final long MAX_PIECE = 32 << 20;
  private static final long MIN_WINDOW = 64 << 10;

  /**
   * Share of the link's rate that background transfers take while the other direction is in use.
   * Both directions at their best cost each other 20 to 25 % on PCIe 5 (H100; measured by others),
   * so this much costs the other one about 1 %.
   */
  private static final double BACKGROUND_SHARE = 0.05;

  /** Assumed until the first copy was measured: 10 GB/s. */
  private static final double FIRST_RATE = 10;

  /** Those of vLLM, in bytes. */
  private static final double[] SIZES = {1e6, 5e6, 1e7, 2e7, 4e7, 6e7, 8e7, 1e8, 1.5e8, 2e8};

  private record Piece(
      Transfer transfer, int group, boolean endsGroup, Event start, Event end, long bytes) {}

  private final Object lock = new Object();
  private final String name;
  private final Clock clock;
  private final Stream stream;
  private final Worker worker;
  private final EventPool events;
  private final Runnable progress;
  private final PriorityQueue<Transfer> queue =
      new PriorityQueue<>(
          Comparator.comparing(Transfer::isBackground).thenComparingLong(Transfer::deadline));
  private final ArrayDeque<Piece> inFlight = new ArrayDeque<>();
  private final Queue<Transfer> finished = new ConcurrentLinkedQueue<>();
  private final Histogram sizes = newSizes();
  private long unsettledBytes;
  private long inFlightBytes;
  private MeanRate recent = new MeanRate(FIRST_RATE, PIECE_NANOS);
  private double rate = FIRST_RATE;
  private double ceiling;
  private long bytes;
  private long copyNanos;
  private @Nullable CopyListener listener;
  private @Nullable DeviceException failure;
  private @Nullable Lane preferred;
  private long paidNanos;

  /**
   * @param name of its stream and its thread
   * @param progress called by the lane's worker whenever a piece is done
   */
  public Lane(Device device, String name, Runnable progress) {
    this.name = name;
    this.progress = progress;
    clock = device.clock();
    events = new EventPool(device);
    stream = device.newStream(name);
    try {
      worker = device.newWorker(name, this::pump);
    } catch (RuntimeException e) {
      stream.close();
      throw e;
    }
  }

  /** Tells someone of every piece from now on. */
  public void onCopied(CopyListener copies) {
    synchronized (lock) {
      listener = copies;
    }
  }

  /**
   * Makes background transfers give way to another lane: while that copies, they take a small share
   * of the link. Before the first transfer only.
   */
  public void yieldTo(Lane other) {
    synchronized (lock) {
      preferred = other;
    }
  }

  /** Queues a transfer. */
  public void submit(Transfer transfer) {
    unsettledBytes += transfer.bytes();
    synchronized (lock) {
      queue.add(transfer);
    }
    worker.signal();
  }

  /**
   * Submits what is left of a transfer at once, so that all its groups can be awaited.
   *
   * @return false if they cannot, because the transfer was refused; it will be settled then
   */
  public boolean flush(Transfer transfer) {
    boolean whole;
    synchronized (lock) {
      while (transfer.hasNext()) {
        submitNext(transfer);
      }
      whole = !transfer.hasEnded();
    }
    if (!whole) {
      worker.signal();
    }
    return whole;
  }

  /** Gives up what is not submitted yet; the transfer is settled once the rest is done. */
  public void cancel(Transfer transfer) {
    synchronized (lock) {
      if (transfer.hasNext()) {
        end(transfer, null);
      }
    }
    // Whoever waits for the end of the transfer sleeps until there is progress.
    worker.signal();
  }

  /** Makes later work on a stream wait for a group of a flushed transfer. */
  public void await(Transfer transfer, int group, Stream waiting) {
    synchronized (lock) {
      if (transfer.isDone(group)) {
        return;
      }
      Event end = transfer.end(group);
      if (end == null) {
        throw new IllegalStateException("group " + group + " of a transfer was not submitted");
      }
      waiting.await(end);
    }
  }

  /**
   * Tells the owners of transfers that have come to their end.
   *
   * @throws DeviceException if the stream has failed, which nothing here survives
   */
  public void settle() {
    synchronized (lock) {
      retire();
    }
    for (Transfer done = finished.poll(); done != null; done = finished.poll()) {
      unsettledBytes -= done.bytes();
      if (done.isComplete()) {
        sizes.add(done.bytes());
      }
      done.owner().onSettled(done);
    }
    synchronized (lock) {
      if (failure != null) {
        throw failure;
      }
    }
  }

  /** Whether nothing is queued, in flight or to be settled. */
  public boolean isIdle() {
    synchronized (lock) {
      return queue.isEmpty() && inFlight.isEmpty() && finished.isEmpty();
    }
  }

  /** Whether a group is known to be there. */
  public boolean isDone(Transfer transfer, int group) {
    synchronized (lock) {
      return transfer.isDone(group);
    }
  }

  /** How long it will probably take until a group is there, in nanoseconds. */
  public long nanosUntil(Transfer transfer, int group) {
    synchronized (lock) {
      if (transfer.isDone(group)) {
        return 0;
      }
      long ahead = transfer.remainingThrough(group);
      long flying = 0;
      for (Piece piece : inFlight) {
        flying += piece.bytes();
        // Only what was submitted before the group's own last piece stands before it.
        if (piece.transfer() == transfer && piece.group() == group && piece.endsGroup()) {
          break;
        }
      }
      for (Transfer other : queue) {
        if (ahead > 0 && other != transfer && other.deadline() <= transfer.deadline()) {
          ahead += other.remaining();
        }
      }
      return (long) ((ahead + flying) / rate);
    }
  }

  /**
   * How long what is in flight, or queued with a deadline up to a given one, will probably take, in
   * nanoseconds.
   */
  public long queueNanos(long deadline) {
    synchronized (lock) {
      long ahead = inFlightBytes;
      for (Transfer other : queue) {
        ahead += other.deadline() <= deadline ? other.remaining() : 0;
      }
      return (long) (ahead / rate);
    }
  }

  /** Bytes per nanosecond, a running mean over what was copied last. */
  public double rate() {
    synchronized (lock) {
      return rate;
    }
  }

  /** Bytes per second of the best copy measured; 0 before {@link #calibrate}. */
  public double ceiling() {
    synchronized (lock) {
      return ceiling;
    }
  }

  /**
   * Measures what the direction does at best, and assumes that rate until copies tell more. Before
   * the first transfer only.
   *
   * @param target unused memory on the one side
   * @param source unused memory on the other
   * @param first bytes of the smallest copy tried
   */
  public void calibrate(Device device, Memory target, Memory source, long first) {
    double measured = Calibration.measure(device, stream, target, source, first);
    synchronized (lock) {
      ceiling = measured;
      rate = measured / 1e9;
      recent = new MeanRate(rate, PIECE_NANOS);
    }
  }

  /** Bytes copied. */
  public long bytes() {
    synchronized (lock) {
      return bytes;
    }
  }

  /** Bytes of transfers that were submitted and are not settled; for the engine thread. */
  public long unsettledBytes() {
    return unsettledBytes;
  }

  /** An empty histogram of transfers' bytes. */
  public static Histogram newSizes() {
    return new Histogram(SIZES);
  }

  /** Bytes of each transfer that was copied as a whole. */
  public Histogram sizes() {
    return sizes;
  }

  /** Nanoseconds that the device spent copying them. */
  public long copyNanos() {
    synchronized (lock) {
      return copyNanos;
    }
  }

  /** Waits for what is in flight, drops what is not, and tells all owners. */
  @Override
  public void close() {
    synchronized (lock) {
      for (Transfer transfer = queue.peek(); transfer != null; transfer = queue.peek()) {
        end(transfer, null);
      }
    }
    worker.close();
    stream.close();
    try {
      settle();
    } catch (DeviceException e) {
      // The engine has heard of it by settling.
    }
    events.close();
  }

  private long pump() {
    boolean moved;
    long again = Worker.WHEN_SIGNALLED;
    synchronized (lock) {
      moved = retire();
      try {
        Transfer next = queue.peek();
        while (next != null && (inFlight.isEmpty() || inFlightBytes < window())) {
          again = next.isBackground() ? pausedUntil() : Worker.WHEN_SIGNALLED;
          if (again != Worker.WHEN_SIGNALLED) {
            break;
          }
          submitNext(next);
          next = queue.peek();
        }
      } catch (RuntimeException | Error e) {
        // Whatever it was: a worker that ended would leave everyone waiting.
        fail(e instanceof DeviceException known ? known : broken(e));
        moved = true;
      }
    }
    if (moved || !finished.isEmpty()) {
      progress.run();
    }
    return again;
  }

  /** When a background transfer may go on; {@link Worker#WHEN_SIGNALLED} if at once. */
  private long pausedUntil() {
    Lane other = preferred;
    boolean yields = other != null && other.isMoving() && clock.nanos() < paidNanos;
    return yields ? paidNanos : Worker.WHEN_SIGNALLED;
  }

  /** Whether something is queued or in flight. */
  private boolean isMoving() {
    synchronized (lock) {
      return !queue.isEmpty() || !inFlight.isEmpty();
    }
  }

  private static DeviceException broken(Throwable cause) {
    return new DeviceException("copying between host and device failed: " + cause, cause);
  }

  private long window() {
    return Math.max(MIN_WINDOW, (long) (rate * WINDOW_NANOS));
  }

  /** Submits the next piece: rows of one group, as many as the length of a piece allows. */
  private void submitNext(Transfer transfer) {
    int group = transfer.nextGroup();
    long most = Math.min(MAX_PIECE, (long) (rate * PIECE_NANOS));
    long size = 0;
    boolean endsGroup = false;
    RuntimeException refusal = null;
    Event start = events.take();
    try {
      if (transfer.begin()) {
        stream.await(transfer.after());
      }
      stream.record(start);
      while (!endsGroup && (size == 0 || size + transfer.next().width() <= most)) {
        Rows copy = transfer.next();
        int from = transfer.nextRow();
        int rows = (int) Math.clamp((most - size) / copy.width(), 1, copy.height() - from);
        copy.submit(stream, from, rows);
        size += rows * copy.width();
        endsGroup = transfer.submitted(rows);
      }
    } catch (RuntimeException e) {
      // What depends on it is computed instead; what this piece had submitted is waited for.
      refusal = e;
    }
    if (size == 0) {
      events.give(start);
    } else {
      finishPiece(transfer, group, endsGroup, start, size);
    }
    // A stream that failed meanwhile has ended it already.
    if (refusal != null && !transfer.hasEnded()) {
      end(transfer, refusal);
    }
  }

  private void finishPiece(
      Transfer transfer, int group, boolean endsGroup, Event start, long size) {
    Event end = events.take();
    try {
      stream.record(end);
      stream.signal(worker);
    } catch (DeviceException e) {
      events.give(start);
      events.give(end);
      fail(e);
      return;
    }
    if (endsGroup) {
      transfer.setEnd(group, end);
    }
    if (!transfer.hasNext()) {
      queue.remove(transfer);
    }
    transfer.pieceBegun();
    inFlight.add(new Piece(transfer, group, endsGroup, start, end, size));
    inFlightBytes += size;
    if (transfer.isBackground()) {
      paidNanos = clock.nanos() + (long) (size / (BACKGROUND_SHARE * rate));
    }
  }

  /** Takes the completed pieces out; returns whether there were any. */
  private boolean retire() {
    boolean any = false;
    try {
      while (!inFlight.isEmpty() && inFlight.element().end().isComplete()) {
        Piece piece = inFlight.element();
        long done = piece.end().completedNanos();
        long nanos = Math.max(1, done - piece.start().completedNanos());
        inFlight.remove();
        retire(piece, done, nanos);
        any = true;
      }
    } catch (DeviceException e) {
      fail(e);
    }
    return any;
  }

  private void retire(Piece piece, long done, long nanos) {
    recent.add(piece.bytes(), nanos);
    rate = recent.bytesPerNano();
    bytes += piece.bytes();
    copyNanos += nanos;
    inFlightBytes -= piece.bytes();
    piece.transfer().pieceDone(nanos);
    if (piece.endsGroup()) {
      piece.transfer().groupDone(done);
    }
    CopyListener copies = listener;
    if (copies != null) {
      copies.onCopied(name, done - nanos, done, piece.bytes());
    }
    giveBack(piece);
  }

  private void giveBack(Piece piece) {
    events.give(piece.start());
    events.give(piece.end());
    if (piece.transfer().isSettled()) {
      finished.add(piece.transfer());
    }
  }

  /**
   * A failed stream does nothing any more: what was in flight counts as neither done nor moving.
   */
  private void fail(DeviceException e) {
    failure = e;
    for (Transfer transfer = queue.peek(); transfer != null; transfer = queue.peek()) {
      end(transfer, e);
    }
    for (Piece piece = inFlight.poll(); piece != null; piece = inFlight.poll()) {
      piece.transfer().end(e);
      piece.transfer().pieceDone(0);
      giveBack(piece);
    }
    inFlightBytes = 0;
  }

  private void end(Transfer transfer, @Nullable RuntimeException why) {
    queue.remove(transfer);
    transfer.end(why);
    if (transfer.isSettled()) {
      finished.add(transfer);
    }
  }
}
