package dev.kappa.kv;

import dev.kappa.device.AttentionShape;
import dev.kappa.device.Batch;
import dev.kappa.device.Device;
import dev.kappa.device.DeviceMemory;
import dev.kappa.device.Event;
import dev.kappa.device.HostMemory;
import dev.kappa.device.Kernels;
import dev.kappa.device.KvLayer;
import dev.kappa.device.KvSpan;
import dev.kappa.device.LayerKv;
import dev.kappa.device.Resources;
import dev.kappa.device.Stream;
import dev.kappa.kv.transfer.CopyListener;
import dev.kappa.kv.transfer.EventPool;
import java.util.ArrayList;
import java.util.List;

/**
 * The way to the KV of a sequence that exceeds the device: in every layer, attention goes over the
 * blocks in host memory that its rows see, piece by piece, while the pieces that come next are
 * copied into a ring of buffers; what lies in the sequence's window on the device comes last. One
 * step is in flight at a time, which one thread at a time puts on the streams, not necessarily the
 * one that opened it.
 */
public final class StreamedKv implements LayerKv, AutoCloseable {

  /** One piece is computed on, one is there, one is on its way. */
  public static final int RING = 3;

  /** Device bytes of the ring, at most; a piece may be rounded up. */
  public static final long MAX_BYTES = RING * (LongContexts.MAX_PIECE + (1 << 20));

  /**
   * Copies that one piece is made of at most, since a stream holds but so many operations; enough
   * for the blocks of a unit.
   */
  private static final int MOST_RUNS = 64;

  private static final String STREAM = "stream-in";

  private final CopyListener listener;
  private final KvLayout layout;
  private final DeviceTier device;
  private final HostTier host;
  private final int unitBlocks;
  private final int pieceBlocks;
  private final Stream copies;
  private final List<Slot> ring = new ArrayList<>();
  private final EventPool events;
  private final List<Reading> readings = new ArrayList<>();
  private final Resources resources = new Resources();
  private final DeviceMemory state;
  private final List<Piece> pieces = new ArrayList<>();
  private int windowStart;
  private int end;
  private int next;
  private long bytes;
  private long copyNanos;

  /** A buffer of the ring. */
  private record Slot(DeviceMemory memory, Event free) {}

  /** Blocks one after the other in host memory. */
  private record Run(HostMemory memory, long offset, int blocks) {}

  /**
   * Consecutive blocks of the sequence that are read at a time.
   *
   * @param first the first one's place in the sequence
   */
  private record Piece(int first, int blocks, List<Run> runs) {

    int end() {
      return first + blocks;
    }
  }

  /** A piece on its way in the step in flight. */
  private record Reading(Event start, Event end, long bytes) {}

  /**
   * @param pieceBytes least bytes of a piece, as far as there are so many
   * @param maxRows most new tokens of a step
   * @param listener is told of what is read
   */
  StreamedKv(
      Device on,
      KvLayout layout,
      DeviceTier device,
      HostTier host,
      long pieceBytes,
      AttentionShape shape,
      int maxRows,
      CopyListener listener) {
    this.listener = listener;
    this.layout = layout;
    this.device = device;
    this.host = host;
    int unit = LongContexts.unit(layout.blockTokens(), on.kernels().attentionTile());
    unitBlocks = unit / layout.blockTokens();
    long unitBytes = unitBlocks * layout.layerBytes();
    pieceBlocks = Math.toIntExact(Math.ceilDiv(pieceBytes, unitBytes) * unitBlocks);
    try {
      events = resources.own(new EventPool(on), EventPool::close);
      copies = resources.own(on.newStream(STREAM), Stream::close);
      for (int i = 0; i < RING; i++) {
        long slotBytes = pieceBlocks * layout.layerBytes();
        DeviceMemory memory = resources.own(on.allocate(slotBytes), DeviceMemory::close);
        ring.add(new Slot(memory, resources.own(on.newEvent(), Event::close)));
      }
      long stateBytes = on.kernels().attentionStateBytes(shape, maxRows);
      state = resources.own(on.allocate(stateBytes), DeviceMemory::close);
      // Once more, to be closed first: no memory may go while copies are in flight.
      resources.own(copies, Stream::close);
    } catch (RuntimeException e) {
      close();
      throw e;
    }
  }

  /**
   * Prepares for the next step, which goes by what is known now: the sequence's blocks and host
   * memory are not looked at again.
   *
   * @param sequence whose blocks are read
   * @param contextEnd tokens in KV once the step is done
   */
  public void open(BlockTable sequence, int contextEnd) {
    windowStart = sequence.windowStart();
    end = contextEnd;
    pieces.clear();
    for (int block = 0; block < windowStart; ) {
      int count = pieceLength(sequence, block);
      pieces.add(new Piece(block, count, runs(sequence, block, count)));
      block += count;
    }
  }

  /** Blocks of the next piece: whole units, as many as its length and its runs allow. */
  private int pieceLength(BlockTable table, int first) {
    int most = Math.min(pieceBlocks, windowStart - first);
    int runs = 0;
    for (int i = 0; i < most; i++) {
      boolean goesOn = i > 0 && host.isRun(table.host(first + i - 1), table.host(first + i));
      if (!goesOn && ++runs > MOST_RUNS) {
        return i / unitBlocks * unitBlocks;
      }
    }
    return most;
  }

  private List<Run> runs(BlockTable table, int first, int count) {
    List<Run> runs = new ArrayList<>();
    for (int done = 0; done < count; ) {
      int from = table.host(first + done);
      int run = 1;
      while (done + run < count && host.isRun(from + run - 1, table.host(first + done + run))) {
        run++;
      }
      runs.add(new Run(host.memory(from), host.offset(from), run));
      done += run;
    }
    return runs;
  }

  /**
   * Waits for copies in flight, some of which nobody may wait for if a step was not submitted
   * whole.
   */
  public void synchronize() {
    copies.synchronize();
  }

  /**
   * Takes account of what a step has read that is done.
   *
   * @return nanoseconds that the device spent copying it
   */
  public long settle() {
    long all = 0;
    for (Reading reading : readings) {
      bytes += reading.bytes;
      long done = reading.end.completedNanos();
      // The device's clock may have been set between the two.
      long nanos = Math.max(1, done - reading.start.completedNanos());
      all += nanos;
      listener.onCopied(STREAM, done - nanos, done, reading.bytes);
    }
    copyNanos += all;
    forget();
    return all;
  }

  /** Takes no account of a step that was not submitted whole, or has failed. */
  public void forget() {
    for (Reading reading : readings) {
      events.give(reading.start);
      events.give(reading.end);
    }
    readings.clear();
  }

  /** Bytes copied for reading, since the start. */
  long bytes() {
    return bytes;
  }

  /** Nanoseconds that the device spent copying them. */
  long copyNanos() {
    return copyNanos;
  }

  @Override
  public KvLayer layer(int layer) {
    return device.layers()[layer];
  }

  @Override
  public boolean attend(
      Kernels kernels,
      Stream stream,
      int layer,
      int part,
      DeviceMemory qkv,
      Batch batch,
      AttentionShape shape,
      DeviceMemory out) {
    int blockTokens = layout.blockTokens();
    int unseen = unseen(shape.firstSeen(batch.position(0)));
    if (part == 0 && unseen > 0) {
      // Nobody sees these tokens, and nothing is read of them: the states begin here.
      KvSpan before = new KvSpan(0, unseen * blockTokens, false);
      kernels.attentionSpan(stream, qkv, batch, shape, layer(layer), before, state);
    }
    int index = firstPiece(unseen) + part;
    if (index == pieces.size()) {
      int start = windowStart * blockTokens;
      KvSpan window = new KvSpan(start, end - start, false);
      kernels.attentionSpan(stream, qkv, batch, shape, layer(layer), window, state);
      kernels.attentionResult(stream, batch, shape, state, out);
      return false;
    }
    Piece piece = pieces.get(index);
    int skipped = Math.max(0, unseen - piece.first);
    Slot slot = ring.get(next);
    next = (next + 1) % RING;
    copies.await(slot.free);
    stream.await(read(layer, piece, skipped, slot.memory));
    int spanBlocks = spanBlocks(kernels.spanTokens(shape, batch.rows()));
    int present = piece.blocks - skipped;
    for (int done = 0; done < present; done += spanBlocks) {
      int count = Math.min(spanBlocks, present - done);
      int first = piece.first + skipped + done;
      KvSpan span = new KvSpan(first * blockTokens, count * blockTokens, true);
      long offset = done * layout.layerBytes();
      KvLayer staged = layout.staged(slot.memory.slice(offset, count * layout.layerBytes()));
      kernels.attentionSpan(stream, qkv, batch, shape, staged, span, state);
    }
    stream.record(slot.free);
    return true;
  }

  /** Leading blocks outside the window on the device that no row sees, in whole units. */
  private int unseen(int firstSeen) {
    int blocks = firstSeen / layout.blockTokens() / unitBlocks * unitBlocks;
    return Math.min(blocks, windowStart);
  }

  /** The first piece that has other blocks than the first so many. */
  private int firstPiece(int unseen) {
    int index = 0;
    while (index < pieces.size() && pieces.get(index).end() <= unseen) {
      index++;
    }
    return index;
  }

  /** Whole units of about so many tokens. */
  private int spanBlocks(int tokens) {
    return Math.max(1, tokens / layout.blockTokens() / unitBlocks) * unitBlocks;
  }

  /** Frees everything; the stream that computes must be idle. */
  @Override
  public void close() {
    forget();
    resources.close();
  }

  /** Starts to read a piece but for its first blocks; returns the event of its arrival. */
  private Event read(int layer, Piece piece, int skipped, DeviceMemory target) {
    long width = layout.layerBytes();
    Reading reading = new Reading(events.take(), events.take(), (piece.blocks - skipped) * width);
    readings.add(reading);
    copies.record(reading.start);
    long offset = 0;
    int before = skipped;
    for (Run run : piece.runs) {
      int first = Math.min(before, run.blocks);
      int count = run.blocks - first;
      before -= first;
      if (count > 0) {
        long from = run.offset + first * layout.blockBytes() + layout.layerOffset(layer);
        copies.copy2d(target, offset, width, run.memory, from, layout.blockBytes(), width, count);
        offset += count * width;
      }
    }
    copies.record(reading.end);
    return reading.end;
  }
}
