package dev.kappa.device.virtual;

import dev.kappa.device.Clock;
import dev.kappa.device.DType;
import dev.kappa.device.Device;
import dev.kappa.device.DeviceInfo;
import dev.kappa.device.DeviceMemory;
import dev.kappa.device.Event;
import dev.kappa.device.HostMemory;
import dev.kappa.device.Kernels;
import dev.kappa.device.MatrixSource;
import dev.kappa.device.Stream;
import dev.kappa.device.Weight;
import dev.kappa.device.Worker;
import dev.kappa.roofline.HardwareProfile;
import java.lang.foreign.MemorySegment;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * A machine that exists as a {@link HardwareProfile}, in virtual time that begins at 0; see the
 * package's description. Not thread-safe, unlike other devices.
 */
public final class VirtualDevice implements Device {

  static final DType ACTIVATIONS = DType.BF16;

  private static final String NUMERICS = "virtual-1";

  // Beyond every address that a process can have, and beyond each other.
  private static final long DEVICE_BASE = 1L << 60;
  private static final long HOST_BASE = 1L << 61;

  private static final int DEVICE_ALIGNMENT = 64;
  private static final int PAGE = 4096;

  private final HardwareProfile profile;
  private final VirtualOptions options;
  private final Jitter jitter;
  private final Kernels kernels = new VirtualKernels(this);
  private final Agenda agenda = new Agenda();
  private final SerialResource processor = new SerialResource();
  private final SerialResource hostToDevice = new SerialResource();
  private final SerialResource deviceToHost = new SerialResource();
  private final MemoryBooks deviceMemory;
  private final MemoryBooks hostMemory;
  private final Set<VirtualStream> streams = new LinkedHashSet<>();
  private boolean closed;

  /** A device with {@link VirtualOptions#defaults}. */
  public VirtualDevice(HardwareProfile profile, long seed) {
    this(profile, VirtualOptions.defaults(), seed);
  }

  /**
   * @param seed of the jitter, if the options ask for any
   */
  public VirtualDevice(HardwareProfile profile, VirtualOptions options, long seed) {
    this.profile = profile;
    this.options = options;
    jitter = new Jitter(seed, options.jitter());
    deviceMemory = new MemoryBooks("device", options.deviceBytes(), DEVICE_BASE, DEVICE_ALIGNMENT);
    hostMemory = new MemoryBooks("host", options.hostBytes(), HOST_BASE, PAGE);
  }

  /**
   * Does everything there is to do, until nothing is left. Never returns if a worker wakes itself
   * up for ever; then use {@link #runUntil}.
   *
   * @throws IllegalStateException if something failed inside a worker's task that was waiting; what
   *     fails elsewhere is thrown as it is
   */
  public void run() {
    agenda.run();
  }

  /**
   * Does everything that is due up to a time, at which it then is. A worker that waits inside its
   * task may carry time further, as it is not left in the middle.
   */
  public void runUntil(long nanos) {
    agenda.runUntil(nanos);
  }

  /** Does something, such as submitting a request, at a time; one that has passed means now. */
  public void at(long nanos, Runnable action) {
    agenda.at(nanos, () -> agenda.call(null, action));
  }

  /** Puts work on a stream that takes so long and occupies nothing, to hold it up. */
  public void delay(Stream stream, long nanos) {
    VirtualStream.of(stream).submit(new VirtualStream.Work(new SerialResource(), nanos));
  }

  /** Puts work on a stream that fails when its turn comes. */
  public void fail(Stream stream, String message) {
    VirtualStream.of(stream).fail(message);
  }

  @Override
  public DeviceInfo info() {
    return new DeviceInfo("virtual", profile.name(), NUMERICS, ACTIVATIONS);
  }

  /** Virtual nanoseconds. */
  @Override
  public Clock clock() {
    return agenda::now;
  }

  @Override
  public Kernels kernels() {
    return kernels;
  }

  /** Numbers only: unique addresses, checked ranges, no bytes. */
  @Override
  public DeviceMemory allocate(long bytes) {
    checkOpen();
    return VirtualMemory.device(deviceMemory, bytes);
  }

  /**
   * Real bytes, all zero, up to 64 MiB; numbers only beyond that, whose {@link HostMemory#segment}
   * throws an {@link UnsupportedOperationException}. No copy changes any of them.
   */
  @Override
  public HostMemory allocateHost(long bytes) {
    checkOpen();
    return VirtualMemory.host(hostMemory, bytes);
  }

  @Override
  public Weight loadWeight(MatrixSource source) {
    checkOpen();
    return new VirtualWeight(deviceMemory, source);
  }

  @Override
  public DeviceMemory loadVector(DType dtype, MemorySegment source) {
    return allocate(source.byteSize() / dtype.bytes() * Float.BYTES);
  }

  @Override
  public Stream newStream(String name) {
    checkOpen();
    VirtualStream stream = new VirtualStream(this, name);
    streams.add(stream);
    return stream;
  }

  @Override
  public Event newEvent() {
    return new VirtualEvent(agenda);
  }

  @Override
  public Worker newWorker(String name, Worker.Task task) {
    checkOpen();
    return new VirtualWorker(agenda, name, task);
  }

  @Override
  public long freeBytes() {
    return deviceMemory.free();
  }

  @Override
  public long freeHostBytes() {
    return hostMemory.free();
  }

  @Override
  public long allocatedBytes() {
    return deviceMemory.used() + hostMemory.used();
  }

  /** Ends streams that are still open. */
  @Override
  public void close() {
    if (!closed) {
      closed = true;
      List.copyOf(streams).forEach(Stream::close);
    }
  }

  Agenda agenda() {
    return agenda;
  }

  Jitter jitter() {
    return jitter;
  }

  VirtualOptions options() {
    return options;
  }

  VirtualStream.Work work(KernelCost cost) {
    return new VirtualStream.Work(processor, profile.kernelNanos(cost.flops(), cost.bytes()));
  }

  VirtualStream.Work attention(KernelCost cost) {
    return new VirtualStream.Work(processor, profile.attentionNanos(cost.flops(), cost.bytes()));
  }

  VirtualStream.Work work(KernelCost cost, Runnable effect) {
    VirtualStream.Work work = work(cost);
    return new VirtualStream.Work(work.resource(), work.nanos(), effect);
  }

  /** A copy within device memory is the processor's; one within host memory takes the way there. */
  VirtualStream.Work work(CopyRequest copy) {
    double rows = copy.pitchedRows() * options.copyRowNanos();
    if (copy.fromHost()) {
      double nanos = profile.hostToDeviceNanos(copy.bytes());
      return new VirtualStream.Work(hostToDevice, nanos + rows);
    }
    if (copy.toHost()) {
      double nanos = profile.deviceToHostNanos(copy.bytes());
      return new VirtualStream.Work(deviceToHost, nanos + rows);
    }
    double nanos = profile.deviceToDeviceNanos(copy.bytes());
    return new VirtualStream.Work(processor, nanos + rows);
  }

  void forget(VirtualStream stream) {
    streams.remove(stream);
  }

  private void checkOpen() {
    if (closed) {
      throw new IllegalStateException("the virtual device is closed");
    }
  }
}
