package dev.kappa.device;

import dev.kappa.device.cpu.CpuDelays;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * The CPU device with streams that dawdle: before each operation, with some probability, the stream
 * waits for a random time. So streams drift apart, and what lacks an event between them fails.
 */
public final class JitterDevice extends WrappedDevice {

  /** How much longer a stalling stream waits. */
  private static final int STALL = 20;

  private final long seed;
  private final double probability;
  private final long maxNanos;
  private final Set<String> stalling;
  private final AtomicInteger streams = new AtomicInteger();

  /**
   * Wraps a device, and owns it.
   *
   * @param real a CPU device
   * @param seed decides each stream's delays, together with how many streams came before it
   * @param probability of a delay before an operation
   * @param maxNanos the longest delay
   */
  public JitterDevice(Device real, long seed, double probability, long maxNanos) {
    this(real, seed, probability, maxNanos, Set.of());
  }

  /**
   * As above, with some streams that stand still for {@value #STALL} times as long.
   *
   * @param stalling names of streams
   */
  public JitterDevice(
      Device real, long seed, double probability, long maxNanos, Set<String> stalling) {
    super(real);
    this.stalling = stalling;
    this.seed = seed;
    this.probability = probability;
    this.maxNanos = maxNanos;
  }

  @Override
  protected WrappedStream wrap(String name, Stream stream) {
    long most = stalling.contains(name) ? STALL * maxNanos : maxNanos;
    return new JitterStream(stream, seed + streams.getAndIncrement(), most);
  }

  private final class JitterStream extends WrappedStream {

    private final Stream dawdling;
    private final Random random;
    private final long most;

    JitterStream(Stream real, long seed, long most) {
      super(real);
      this.most = most;
      dawdling = unwrap(real);
      random = new Random(seed);
    }

    @Override
    protected void beforeMark() {
      if (random.nextDouble() < probability) {
        CpuDelays.delay(dawdling, random.nextLong(most + 1));
      }
    }
  }
}
