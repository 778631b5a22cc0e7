package dev.kappa.device.cpu;

import dev.kappa.device.DeviceMemory;
import dev.kappa.device.HostMemory;
import dev.kappa.device.Memory;
import org.jspecify.annotations.Nullable;

/**
 * The two directions of the link between host and device memory.
 *
 * @param toDevice null where copies go as fast as they can
 * @param toHost the same for the way back
 */
record Links(@Nullable Link toDevice, @Nullable Link toHost) {

  /** Links of so many bytes per second and direction; 0 imitates none. */
  static Links of(long bandwidth) {
    if (bandwidth < 0) {
      throw new IllegalArgumentException("a link of " + bandwidth + " bytes per second");
    }
    return bandwidth == 0
        ? new Links(null, null)
        : new Links(new Link(bandwidth), new Link(bandwidth));
  }

  /** The link that a copy crosses, if any. */
  @Nullable Link between(Memory target, Memory source) {
    if (target instanceof DeviceMemory && source instanceof HostMemory) {
      return toDevice;
    }
    return target instanceof HostMemory && source instanceof DeviceMemory ? toHost : null;
  }
}
