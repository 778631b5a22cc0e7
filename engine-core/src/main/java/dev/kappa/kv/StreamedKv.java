package dev.kappa.kv;

import dev.kappa.device.AttentionShape;
import dev.kappa.device.Batch;
import dev.kappa.device.Device;
import dev.kappa.device.DeviceMemory;
import dev.kappa.device.Event;
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
 * blocks in host memory piece by piece, while the pieces that come next are copied into a ring of
 * buffers; what lies in the sequence's window on the device comes last. Not thread-safe; one step
 * is in flight at a time.
 */
public final class StreamedKv implements LayerKv, AutoCloseable {

  /** One piece is computed on, one is there, one is on its way. */
  private static final int RING = 3;

  /** Device bytes of the ring, at most; a piece may be rounded up by a span. */
  public static final long MAX_BYTES = RING * (LongContexts.MAX_PIECE + (1 << 20));

  /**
   * Attention goes over a piece in spans of this size, since the kernels of other sequences' steps
   * wait for one of these now and then.
   */
  private static final long SPAN_BYTES = 1 << 20;

  private static final String STREAM = "stream-in";

  private final CopyListener listener;
  private final KvLayout layout;
  private final DeviceTier device;
  private final HostTier host;
  private final int spanBlocks;
  private final int pieceBlocks;
  private final Stream copies;
  private final List<Slot> ring = new ArrayList<>();
  private final EventPool events;
  private final List<Reading> readings = new ArrayList<>();
  private final Resources resources = new Resources();
  private final DeviceMemory state;
  private BlockTable table = new BlockTable("");
  private int end;
  private int next;
  private long bytes;
  private long copyNanos;

  /**
   * A buffer of the ring.
   *
   * @param spans what lies in it, span by span
   */
  private record Slot(DeviceMemory memory, List<KvLayer> spans, Event free) {}

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
    int blocks = unit / layout.blockTokens();
    spanBlocks = Math.toIntExact(Math.ceilDiv(SPAN_BYTES, blocks * layout.layerBytes()) * blocks);
    long spanBytes = spanBlocks * layout.layerBytes();
    int spans = Math.toIntExact(Math.ceilDiv(pieceBytes, spanBytes));
    pieceBlocks = spans * spanBlocks;
    try {
      events = resources.own(new EventPool(on), EventPool::close);
      copies = resources.own(on.newStream(STREAM), Stream::close);
      for (int i = 0; i < RING; i++) {
        DeviceMemory memory = resources.own(on.allocate(spans * spanBytes), DeviceMemory::close);
        List<KvLayer> layers = new ArrayList<>();
        for (int span = 0; span < spans; span++) {
          layers.add(layout.staged(memory.slice(span * spanBytes, spanBytes)));
        }
        ring.add(new Slot(memory, layers, resources.own(on.newEvent(), Event::close)));
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
   * Prepares for the next step.
   *
   * @param sequence whose blocks are read
   * @param contextEnd tokens in KV once the step is done
   */
  public void open(BlockTable sequence, int contextEnd) {
    table = sequence;
    end = contextEnd;
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
    long nanos = 0;
    for (Reading reading : readings) {
      bytes += reading.bytes;
      long start = reading.start.completedNanos();
      long done = reading.end.completedNanos();
      nanos += done - start;
      listener.onCopied(STREAM, start, done, reading.bytes);
    }
    copyNanos += nanos;
    forget();
    return nanos;
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
  public void attend(
      Kernels kernels,
      Stream stream,
      int layer,
      DeviceMemory qkv,
      Batch batch,
      AttentionShape shape,
      DeviceMemory out) {
    int blockTokens = layout.blockTokens();
    int start = table.windowStart();
    for (int block = 0; block < start; block += pieceBlocks) {
      int count = Math.min(pieceBlocks, start - block);
      Slot slot = ring.get(next);
      next = (next + 1) % RING;
      copies.await(slot.free);
      stream.await(read(layer, block, count, slot.memory));
      for (int done = 0; done < count; done += spanBlocks) {
        int tokens = Math.min(spanBlocks, count - done) * blockTokens;
        KvSpan span = new KvSpan((block + done) * blockTokens, tokens, true);
        KvLayer staged = slot.spans.get(done / spanBlocks);
        kernels.attentionSpan(stream, qkv, batch, shape, staged, span, state);
      }
      stream.record(slot.free);
    }
    KvSpan window = new KvSpan(start * blockTokens, end - start * blockTokens, false);
    kernels.attentionSpan(stream, qkv, batch, shape, layer(layer), window, state);
    kernels.attentionResult(stream, batch, shape, state, out);
  }

  /** Frees everything; the stream that computes must be idle. */
  @Override
  public void close() {
    forget();
    resources.close();
  }

  /** Starts to read a piece; returns the event of its arrival. */
  private Event read(int layer, int first, int count, DeviceMemory target) {
    Reading reading = new Reading(events.take(), events.take(), count * layout.layerBytes());
    readings.add(reading);
    copies.record(reading.start);
    copy(layer, first, count, target);
    copies.record(reading.end);
    return reading.end;
  }

  /** Copies one layer of consecutive blocks of the table, one piece for each run in host memory. */
  private void copy(int layer, int first, int count, DeviceMemory target) {
    long width = layout.layerBytes();
    for (int done = 0; done < count; ) {
      int from = table.host(first + done);
      int run = 1;
      while (done + run < count && host.isRun(from + run - 1, table.host(first + done + run))) {
        run++;
      }
      copies.copy2d(
          target,
          done * width,
          width,
          host.memory(from),
          host.offset(from) + layout.layerOffset(layer),
          layout.blockBytes(),
          width,
          run);
      done += run;
    }
  }
}
