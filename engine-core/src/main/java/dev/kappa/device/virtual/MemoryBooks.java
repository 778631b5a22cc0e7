package dev.kappa.device.virtual;

import dev.kappa.device.DeviceException;

/** Counts a capacity of bytes that exist as numbers only, and hands out addresses for them. */
final class MemoryBooks {

  private final String what;
  private final long capacity;
  private final long alignment;
  private long used;
  private long nextAddress;

  /**
   * @param what for messages
   * @param base where addresses begin; no address is handed out twice
   * @param alignment of addresses, a power of two
   */
  MemoryBooks(String what, long capacity, long base, long alignment) {
    this.what = what;
    this.capacity = capacity;
    this.alignment = alignment;
    nextAddress = base;
  }

  long used() {
    return used;
  }

  long free() {
    return capacity - used;
  }

  /**
   * Takes bytes.
   *
   * @return their address
   */
  long take(long bytes) {
    if (bytes < 0 || bytes > free()) {
      throw new DeviceException(
          "cannot allocate %d bytes of virtual %s memory; %d of %d are free"
              .formatted(bytes, what, free(), capacity));
    }
    used += bytes;
    long address = nextAddress;
    nextAddress += Math.ceilDiv(Math.max(bytes, 1), alignment) * alignment;
    return address;
  }

  void giveBack(long bytes) {
    used -= bytes;
  }
}
