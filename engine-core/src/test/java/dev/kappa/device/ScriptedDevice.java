package dev.kappa.device;

import dev.kappa.device.cpu.CpuDelays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLong;

/**
 * The CPU device with faults as a test wants them: copies and host memory that are refused, streams
 * that stand still or break, time that leaps, and host memory that the test can reach.
 */
public final class ScriptedDevice extends WrappedDevice {

  /** Decides what happens; called by any thread. What its methods throw refuses the operation. */
  public interface Script {

    /** A copy is submitted to a stream. */
    default void beforeCopy(String stream, Memory target, Memory source) {}

    /** Host memory is asked for. */
    default void beforeAllocateHost(long bytes) {}

    /** Before an event is recorded on a stream. */
    default void beforeRecord(String stream) {}

    /** Host memory is asked for that need not be pinned. */
    default void beforeAllocateUnpinned(long bytes) {
      beforeAllocateHost(bytes);
    }
  }

  private final Map<String, Stream> streams = new ConcurrentHashMap<>();
  private final List<HostMemory> hostMemories = new CopyOnWriteArrayList<>();
  private final AtomicLong leaptNanos = new AtomicLong();
  private volatile Script script = new Script() {};

  /**
   * Wraps a device, and owns it.
   *
   * @param real a CPU device
   */
  public ScriptedDevice(Device real) {
    super(real);
  }

  /** The CPU device. */
  public static ScriptedDevice cpu(int threads) {
    return new ScriptedDevice(Devices.open("cpu", threads).device());
  }

  /** A failure made on purpose. */
  public static DeviceException refusal() {
    return new DeviceException("refused on purpose");
  }

  /** Follows another script from now on. */
  public void follow(Script next) {
    script = next;
  }

  /** Lets later work on the stream of this name wait until the latch opens. */
  public void hold(String stream, CountDownLatch until) {
    CpuDelays.hold(stream(stream), until);
  }

  /** Breaks the stream of this name: later work on it fails. */
  public void fail(String stream) {
    CpuDelays.fail(stream(stream), "broken on purpose");
  }

  /** Lets time pass on the clock, though not for events. */
  public void leap(long nanos) {
    leaptNanos.addAndGet(nanos);
  }

  @Override
  public Clock clock() {
    Clock real = super.clock();
    return () -> real.nanos() + leaptNanos.get();
  }

  /** All host memory of so many bytes that was given out. */
  public List<HostMemory> hostMemories(long bytes) {
    return hostMemories.stream().filter(memory -> memory.bytes() == bytes).toList();
  }

  private Stream stream(String name) {
    Stream stream = streams.get(name);
    if (stream == null) {
      throw new IllegalArgumentException("no stream " + name + " among " + streams.keySet());
    }
    return stream;
  }

  @Override
  protected WrappedStream wrap(String name, Stream stream) {
    streams.put(name, unwrap(stream));
    return new WrappedStream(stream) {
      @Override
      protected void beforeCopy(Memory target, Memory source) {
        script.beforeCopy(name, target, source);
      }

      @Override
      public void record(Event event) {
        script.beforeRecord(name);
        super.record(event);
      }
    };
  }

  @Override
  public HostMemory allocateUnpinned(long bytes) {
    script.beforeAllocateUnpinned(bytes);
    HostMemory memory = super.allocateUnpinned(bytes);
    hostMemories.add(memory);
    return memory;
  }

  @Override
  public HostMemory allocateHost(long bytes) {
    script.beforeAllocateHost(bytes);
    HostMemory memory = super.allocateHost(bytes);
    hostMemories.add(memory);
    return memory;
  }
}
