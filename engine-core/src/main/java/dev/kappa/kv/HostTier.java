package dev.kappa.kv;

import dev.kappa.device.Device;
import dev.kappa.device.DeviceException;
import dev.kappa.device.HostMemory;
import dev.kappa.device.Worker;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.zip.CRC32C;

/**
 * The blocks in host memory. The pool begins with one chunk and gets the next in the background as
 * soon as it comes to be needed, up to its limit; no block and no copy crosses a chunk, since a
 * copy over two registrations is an error in the CUDA driver. Confined to the engine thread, but
 * for the worker that takes memory.
 */
final class HostTier implements AutoCloseable {

  private static final Logger LOG = System.getLogger(HostTier.class.getName());

  private static final long CHUNK_BYTES = 256L << 20;

  private final Device device;
  private final long blockBytes;
  private final int blocksPerChunk;
  private final BlockPool pool;
  private final long[] checksums;
  private final List<HostMemory> chunks = new ArrayList<>();
  private final Queue<HostMemory> taken = new ConcurrentLinkedQueue<>();
  private final Worker worker;
  private final Runnable grown;

  /** Blocks that memory was taken for; changed by the worker alone. */
  private int backed;

  /** Blocks that the worker is to have taken memory for. */
  private volatile int target;

  private volatile boolean refused;

  /** Whether the system does not let host memory be pinned; changed by the worker alone. */
  private boolean unpinned;

  /** Whether all chunks are pinned. */
  private boolean pinned = true;

  /** Whether no more chunks come, as of the last {@link #adopt}. */
  private boolean complete;

  /**
   * @param limitBytes most bytes that are ever taken
   * @param grown called by the worker when there is a new chunk
   */
  HostTier(Device device, long blockBytes, long limitBytes, Runnable grown) {
    this(device, blockBytes, limitBytes, CHUNK_BYTES, grown);
  }

  /** As above, with chunks of about this size. */
  HostTier(Device device, long blockBytes, long limitBytes, long chunkBytes, Runnable grown) {
    this.device = device;
    this.blockBytes = blockBytes;
    this.grown = grown;
    int limit = (int) Math.min(limitBytes / blockBytes, Integer.MAX_VALUE - 1);
    blocksPerChunk = (int) Math.clamp(chunkBytes / blockBytes, 1, Math.max(1, limit));
    pool = new BlockPool(0, limit);
    checksums = new long[limit];
    worker = device.newWorker("host-pool", this::takeMemory);
    target = Math.min(limit, blocksPerChunk);
    takeMemory();
    adopt();
  }

  BlockPool pool() {
    return pool;
  }

  HostMemory memory(int block) {
    return chunks.get(block / blocksPerChunk);
  }

  /** Byte offset of a block in its chunk. */
  long offset(int block) {
    return block % blocksPerChunk * blockBytes;
  }

  /** Whether one copy may go from one block on to the other. */
  boolean isRun(int block, int next) {
    return next == block + 1 && next % blocksPerChunk != 0;
  }

  /** Asks for enough memory that so many blocks can be allocated, as far as the limit allows. */
  void demand(int blocks) {
    int missing = blocks - (pool.free() - pool.cached()) + blocksPerChunk / 2;
    long wanted = Math.ceilDiv((long) pool.total() + missing, blocksPerChunk) * blocksPerChunk;
    int next = (int) Math.min(wanted, pool.limit());
    if (missing > 0 && next > target && !complete) {
      target = next;
      worker.signal();
    }
  }

  /** Takes new chunks into the pool; returns whether there were any. */
  boolean adopt() {
    // Asked first: what was taken before the refusal is in the queue then.
    boolean last = refused;
    boolean any = false;
    for (HostMemory chunk = taken.poll(); chunk != null; chunk = taken.poll()) {
      chunks.add(chunk);
      pinned &= chunk.isPinned();
      pool.grow((int) (chunk.bytes() / blockBytes));
      any = true;
    }
    complete = last;
    return any;
  }

  /** Whether memory that was asked for is still to come. */
  boolean isGrowing() {
    return !complete && pool.total() < target;
  }

  /** Most blocks there will ever be, as far as is known. */
  int reachable() {
    return complete ? pool.total() : pool.limit();
  }

  /** Whether another block could only be had by forgetting the content of one. */
  boolean isFull() {
    return pool.free() == pool.cached() && pool.total() >= reachable();
  }

  /** Whether copies need no way round; true as long as there is no memory. */
  boolean isPinned() {
    return pinned;
  }

  /** Notes what a block holds, for {@link #isIntact}. */
  void seal(int block) {
    checksums[block] = checksum(memory(block), offset(block));
  }

  /** Whether a sealed block still holds what it held. */
  boolean isIntact(int block) {
    return checksums[block] == checksum(memory(block), offset(block));
  }

  /** Whether these bytes are what a sealed block holds. */
  boolean equals(int block, HostMemory copy) {
    return checksums[block] == checksum(copy, 0);
  }

  /** Frees the memory; no copy may be in flight. */
  @Override
  public void close() {
    // Ends what the worker is at after its next chunk.
    refused = true;
    worker.close();
    adopt();
    chunks.forEach(HostMemory::close);
  }

  private long checksum(HostMemory memory, long offset) {
    CRC32C crc = new CRC32C();
    crc.update(memory.segment().asSlice(offset, blockBytes).asByteBuffer());
    return crc.getValue();
  }

  /** The worker's task; also called once before anything else runs. */
  private long takeMemory() {
    int have = backed;
    while (have < target && !refused) {
      int blocks = Math.min(blocksPerChunk, pool.limit() - have);
      try {
        taken.add(allocate(blocks * blockBytes));
        have += blocks;
        backed = have;
        grown.run();
      } catch (RuntimeException | Error e) {
        // Whatever it was: who waits for memory must hear that none comes.
        refused = true;
        grown.run();
        LOG.log(
            Level.WARNING,
            "host memory for KV ends at {0} of {1} MiB: {2}",
            Long.toString(have * blockBytes >> 20),
            Long.toString(pool.limit() * blockBytes >> 20),
            e.getMessage());
      }
    }
    return Worker.WHEN_SIGNALLED;
  }

  /**
   * Pinned memory; if there is none from the start, other memory is slower and better than none.
   */
  private HostMemory allocate(long bytes) {
    if (unpinned) {
      return device.allocateUnpinned(bytes);
    }
    try {
      return device.allocateHost(bytes);
    } catch (DeviceException e) {
      if (backed > 0) {
        throw e;
      }
      HostMemory memory = device.allocateUnpinned(bytes);
      unpinned = true;
      LOG.log(
          Level.WARNING,
          "host memory for KV is not pinned, so that copies of it are slow: {0}",
          e.getMessage());
      return memory;
    }
  }
}
