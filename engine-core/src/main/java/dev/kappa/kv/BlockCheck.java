package dev.kappa.kv;

import dev.kappa.device.Device;
import dev.kappa.device.HostMemory;
import dev.kappa.device.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The debug mode: a stored block is sealed by a checksum, checked before it is loaded, and compared
 * with what arrived, over a stream of its own, since the computing one may be gone by then. Does
 * nothing where it is off. Confined to the engine thread.
 */
final class BlockCheck implements AutoCloseable {

  private final KvLayout layout;
  private final DeviceTier device;
  private final HostTier host;
  private final @Nullable Stream stream;
  private final @Nullable HostMemory arrived;

  BlockCheck(Device from, KvLayout layout, DeviceTier device, HostTier host, boolean on) {
    this.layout = layout;
    this.device = device;
    this.host = host;
    arrived = on ? from.allocateHost(layout.blockBytes()) : null;
    try {
      stream = on ? from.newStream("check") : null;
    } catch (RuntimeException e) {
      close(arrived);
      throw e;
    }
  }

  /** Notes what a host block holds now. */
  void stored(int hostBlock) {
    if (arrived != null) {
      host.seal(hostBlock);
    }
  }

  /** Whether a host block still holds what was stored. */
  boolean isIntact(int hostBlock) {
    return arrived == null || host.isIntact(hostBlock);
  }

  /**
   * Compares a loaded block with its source.
   *
   * @throws IllegalStateException if they differ: then nothing can be trusted any more
   */
  void loaded(int deviceBlock, int hostBlock) {
    HostMemory copy = arrived;
    Stream way = stream;
    if (copy == null || way == null) {
      return;
    }
    long offset = layout.blockOffset(deviceBlock);
    way.copy(copy, 0, device.memory(), offset, layout.blockBytes());
    way.synchronize();
    if (!host.equals(hostBlock, copy)) {
      throw new IllegalStateException(
          "KV block %d does not hold what was stored in host block %d"
              .formatted(deviceBlock, hostBlock));
    }
  }

  @Override
  public void close() {
    if (stream != null) {
      stream.close();
    }
    close(arrived);
  }

  private static void close(@Nullable HostMemory memory) {
    if (memory != null) {
      memory.close();
    }
  }
}
