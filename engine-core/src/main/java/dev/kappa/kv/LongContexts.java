package dev.kappa.kv;

import dev.kappa.device.AttentionShape;
import dev.kappa.device.Clock;
import dev.kappa.device.Device;
import dev.kappa.device.Stream;
import dev.kappa.kv.transfer.CopyListener;
import dev.kappa.kv.transfer.Transfer;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Sequences whose KV exceeds the device. Such a sequence owns host blocks for its whole length from
 * the start, so that it can always go on; on the device it has a window of blocks, into which its
 * next tokens are computed. Blocks at the front of the window are stored and then used again behind
 * it. What lies before the window is read by {@link StreamedKv} in every step. Confined to the
 * engine thread.
 */
public final class LongContexts {

  private static final Logger LOG = System.getLogger(LongContexts.class.getName());

  /** Part of the device's blocks that a window takes; the rest is left to other sequences. */
  private static final int WINDOW_SHARE = 2;

  private static final int MAX_STORE_FAILURES = 3;

  /** Link time of a piece: starting a copy takes up to 5 µs, which is then lost in it. */
  private static final long PIECE_NANOS = 200_000;

  private static final long MIN_PIECE = 1 << 20;
  static final long MAX_PIECE = 16 << 20;

  private final KvLayout layout;
  private final BlockKeys keys;
  private final KvOptions options;
  private final SlidingWindows windows;
  private final DeviceTier device;
  private final HostSide host;
  private final Clock clock;
  private @Nullable StreamedKv reader;
  private CopyListener copies = (stream, start, end, bytes) -> {};
  private final int unit;
  private final int window;

  LongContexts(
      Device on,
      KvLayout layout,
      BlockKeys keys,
      KvOptions options,
      SlidingWindows windows,
      DeviceTier device,
      HostSide host) {
    this.layout = layout;
    this.keys = keys;
    this.options = options;
    this.windows = windows;
    this.device = device;
    this.host = host;
    clock = on.clock();
    unit = unit(layout.blockTokens(), on.kernels().attentionTile()) / layout.blockTokens();
    window = Math.max(unit, device.pool().total() / WINDOW_SHARE);
  }

  /** Tokens in which a window moves on: whole blocks that are whole tiles of attention. */
  public static int unit(int blockTokens, int tile) {
    int unit = tile;
    while (unit % blockTokens != 0) {
      unit += tile;
    }
    return unit;
  }

  /** Whom to tell of what is read; to be called before {@link #open}. */
  void onCopied(CopyListener listener) {
    copies = listener;
  }

  /** Most tokens that one step can compute. */
  public int windowTokens() {
    return window * layout.blockTokens();
  }

  /** Whether host memory for so many tokens will never be had. */
  public boolean isTooLong(int tokens) {
    return layout.blocksFor(tokens) > host.tier().reachable();
  }

  /** The way to the KV of such sequences, of which there is one; the caller closes it. */
  public StreamedKv open(Device on, AttentionShape shape, int maxRows) {
    long piece = (long) (host.loads().rate() * PIECE_NANOS);
    long bytes = Math.clamp(piece, MIN_PIECE, MAX_PIECE);
    reader = new StreamedKv(on, layout, device, host.tier(), bytes, shape, maxRows, copies);
    return reader;
  }

  /** Bytes that were read in place, since the start. */
  long bytesRead() {
    return reader == null ? 0 : reader.bytes();
  }

  /** Nanoseconds that the device spent copying them. */
  long readCopyNanos() {
    return reader == null ? 0 : reader.copyNanos();
  }

  /**
   * How long it takes to read what lies before a table's window, as every step does.
   *
   * @param position of the step's first token
   */
  public long readNanos(BlockTable table, int position) {
    return (long) (windows.bytes(0, table.windowStart(), position) / host.loads().rate());
  }

  /** Makes a stream wait for what the compute stream still does to blocks that were handed out. */
  public void follow(Stream stream) {
    stream.await(host.markComputed());
  }

  /**
   * Gives an empty table host blocks for a sequence's whole length, cached ones for the longest
   * known prefix, and a window on the device behind that prefix.
   *
   * @param length tokens that are known
   * @param maxLength tokens that there may come to be
   * @return null if blocks are missing; then nothing is held
   */
  public @Nullable Reservation reserve(
      BlockTable table, int[] tokens, int length, int maxLength, PrefixUse use) {
    int total = layout.blocksFor(maxLength);
    if (device.pool().free() < window) {
      return null;
    }
    int prefix = findPrefix(table, tokens, length, use);
    host.tier().demand(total - prefix);
    if (host.pool().free() < total - prefix) {
      for (int index = prefix - 1; index >= 0; index--) {
        host.pool().release(table.host(index));
      }
      table.clearHost();
      return null;
    }
    int index = prefix;
    for (int block : host.pool().allocate(total - prefix)) {
      table.setHost(index++, block);
    }
    for (int i = 0; i < prefix; i++) {
      table.add(BlockTable.NONE);
    }
    for (int block : device.allocate(Math.min(window, total - prefix))) {
      table.add(block);
    }
    table.published(prefix);
    table.stream(prefix);
    host.admission().reused(table);
    host.admission().restored(prefix);
    int cached = prefix * layout.blockTokens();
    return Reservation.of(cached, cached);
  }

  /**
   * Moves the window on as far as it is stored.
   *
   * @param computed tokens whose KV is written, by work that is done
   * @return how many tokens can be computed next; 0 while stores are under way
   */
  public int advance(BlockTable table, int computed) {
    int from = table.windowStart();
    int to = Math.min(table.stored(), computed / layout.blockTokens()) / unit * unit;
    for (int index = from; index < to; index++) {
      int block = table.block(index);
      table.set(index, BlockTable.NONE);
      if (table.size() < table.hostSize()) {
        table.add(block);
      } else {
        device.pool().release(block);
      }
    }
    table.windowStart(Math.max(from, to));
    return table.size() * layout.blockTokens() - computed;
  }

  /**
   * Starts to store the blocks that a finished step filled.
   *
   * @param computed tokens whose KV is written
   */
  public void store(BlockTable table, int[] tokens, int computed) {
    int full = computed / layout.blockTokens();
    if (table.published() < full) {
      table.key(full - 1, keys, tokens, layout.blockTokens());
      submit(table, table.published(), full);
      table.published(full);
    }
  }

  /** Whether a table's blocks could not be stored again and again, so that it cannot go on. */
  public boolean hasFailed(BlockTable table) {
    return table.storeFailures() >= MAX_STORE_FAILURES;
  }

  private int findPrefix(BlockTable table, int[] tokens, int length, PrefixUse use) {
    boolean reuses = options.reuse() && use == PrefixUse.ALL;
    int most = reuses ? length / layout.blockTokens() : 0;
    int found = 0;
    while (found < most) {
      int block = host.acquire(table.key(found, keys, tokens, layout.blockTokens()));
      if (block < 0) {
        break;
      }
      table.setHost(found++, block);
    }
    // The last token is always computed, since its logits are wanted.
    int kept = Math.min(found, (length - 1) / layout.blockTokens()) / unit * unit;
    for (int index = found - 1; index >= kept; index--) {
      host.pool().release(table.host(index));
      table.setHost(index, BlockTable.NONE);
    }
    return kept;
  }

  private void submit(BlockTable table, int from, int to) {
    Runs runs = new Runs(layout, device, host.tier());
    List<int[]> pairs = new ArrayList<>();
    for (int index = from; index < to; index++) {
      int[] pair = {table.block(index), table.host(index)};
      device.pool().retain(pair[0]);
      host.pool().retain(pair[1]);
      runs.add(pair[0], pair[1]);
      pairs.add(pair);
    }
    host.stores()
        .submit(
            new Transfer(
                List.of(runs.toHost()),
                host.markComputed(),
                clock.nanos(),
                done -> settled(table, from, pairs, done)));
  }

  private void settled(BlockTable table, int from, List<int[]> pairs, Transfer transfer) {
    int to = from + pairs.size();
    boolean current = table.isStreamed() && table.host(from) == pairs.getFirst()[1];
    if (transfer.isComplete()) {
      host.storer().count(pairs.size());
      for (int i = 0; i < pairs.size(); i++) {
        int block = pairs.get(i)[1];
        host.check().stored(block);
        if (options.reuse()) {
          host.pool().publish(block, table.knownKey(from + i));
        }
      }
      if (current) {
        table.stored(from, to);
      }
    }
    for (int[] pair : pairs.reversed()) {
      device.pool().release(pair[0]);
      host.pool().release(pair[1]);
    }
    if (!transfer.isComplete() && current) {
      LOG.log(Level.WARNING, "a store failed and is tried again", transfer.failure());
      table.storeFailed();
      if (!hasFailed(table)) {
        submit(table, from, to);
      }
    }
  }
}
