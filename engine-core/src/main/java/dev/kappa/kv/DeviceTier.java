package dev.kappa.kv;

import dev.kappa.device.Device;
import dev.kappa.device.DeviceMemory;
import dev.kappa.device.HostMemory;
import dev.kappa.device.KvLayer;
import dev.kappa.device.Stream;
import org.jspecify.annotations.Nullable;

/** The blocks on the device. Not thread-safe. */
final class DeviceTier implements AutoCloseable {

  /** Not-a-number in every type that KV is stored in. */
  private static final byte POISON = (byte) 0xff;

  private final KvLayout layout;
  private final Stream stream;
  private final BlockPool pool;
  private final DeviceMemory memory;
  private final KvLayer[] layers;
  private final @Nullable HostMemory poison;

  /**
   * @param stream computes
   * @param check whether blocks are poisoned whenever they are handed out for new content
   */
  DeviceTier(Device device, KvLayout layout, int blocks, Stream stream, boolean check) {
    this.layout = layout;
    this.stream = stream;
    pool = new BlockPool(blocks);
    memory = device.allocate(blocks * layout.blockBytes());
    layers = new KvLayer[layout.layers()];
    for (int layer = 0; layer < layers.length; layer++) {
      layers[layer] = layout.layer(memory, layer);
    }
    try {
      poison = check ? device.allocateHost(layout.blockBytes()) : null;
    } catch (RuntimeException e) {
      memory.close();
      throw e;
    }
    if (poison != null) {
      poison.segment().fill(POISON);
    }
  }

  BlockPool pool() {
    return pool;
  }

  DeviceMemory memory() {
    return memory;
  }

  /** Each layer's view of the blocks; the array is not copied. */
  KvLayer[] layers() {
    return layers;
  }

  /** As {@link BlockPool#allocate(int)}. */
  int[] allocate(int count) {
    int[] blocks = pool.allocate(count);
    if (poison != null) {
      for (int block : blocks) {
        stream.copy(memory, layout.blockOffset(block), poison, 0, layout.blockBytes());
      }
    }
    return blocks;
  }

  /** Puts a copy of one block into another on the stream. */
  void copy(int from, int to) {
    stream.copy(
        memory, layout.blockOffset(to), memory, layout.blockOffset(from), layout.blockBytes());
  }

  /** Frees the memory; the stream must be idle. */
  @Override
  public void close() {
    memory.close();
    if (poison != null) {
      poison.close();
    }
  }
}
