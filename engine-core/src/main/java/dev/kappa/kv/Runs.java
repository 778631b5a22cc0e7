package dev.kappa.kv;

import dev.kappa.kv.transfer.Rows;
import java.util.ArrayList;
import java.util.List;

/**
 * Pairs of a device block and a host block, merged into runs that lie one after the other on both
 * sides: a run is copied as one piece, or, by groups of layers, as one strided copy. The cost of a
 * copy is per piece (arXiv 2601.19910 finds 15 of 64 GB/s where pieces are small).
 */
final class Runs {

  private record Run(int device, int host, int count) {}

  private final KvLayout layout;
  private final DeviceTier device;
  private final HostTier host;
  private final List<Run> runs = new ArrayList<>();
  private int blocks;

  Runs(KvLayout layout, DeviceTier device, HostTier host) {
    this.layout = layout;
    this.device = device;
    this.host = host;
  }

  void add(int deviceBlock, int hostBlock) {
    blocks++;
    Run last = runs.isEmpty() ? null : runs.getLast();
    if (last != null
        && deviceBlock == last.device + last.count
        && host.isRun(last.host + last.count - 1, hostBlock)) {
      runs.set(runs.size() - 1, new Run(last.device, last.host, last.count + 1));
    } else {
      runs.add(new Run(deviceBlock, hostBlock, 1));
    }
  }

  /** Pairs added. */
  int blocks() {
    return blocks;
  }

  /** Copies of all runs to the host. */
  List<Rows> toHost() {
    List<Rows> copies = new ArrayList<>();
    long width = layout.blockBytes();
    for (Run run : runs) {
      copies.add(
          new Rows(
              host.memory(run.host),
              host.offset(run.host),
              width,
              device.memory(),
              layout.blockOffset(run.device),
              width,
              width,
              run.count));
    }
    return copies;
  }

  /** Copies of all runs' layers {@code first … end - 1} to the device. */
  List<Rows> toDevice(int first, int end) {
    long offset = layout.layerOffset(first);
    long width = layout.layerOffset(end) - offset;
    List<Rows> copies = new ArrayList<>();
    for (Run run : runs) {
      copies.add(
          new Rows(
              device.memory(),
              layout.blockOffset(run.device) + offset,
              layout.blockBytes(),
              host.memory(run.host),
              host.offset(run.host) + offset,
              layout.blockBytes(),
              width,
              run.count));
    }
    return copies;
  }
}
