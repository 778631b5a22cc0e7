package dev.kappa.bench.kernels;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import java.util.concurrent.atomic.AtomicLong;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Threads;

/** What all cores together reach: multiply-adds from registers, and reads from memory. */
@State(Scope.Benchmark)
@Threads(Threads.MAX)
public class LimitsBenchmark {

  /** Multiply-adds of one lane in {@link #multiplyAdd}. */
  static final int MULTIPLY_ADDS = 12 * 10_000;

  static final int LANES = FloatVector.SPECIES_PREFERRED.length();

  /** Bytes that {@link #read} reads. */
  static final int CHUNK = 256 << 10;

  private static final VectorSpecies<Float> SPECIES = FloatVector.SPECIES_PREFERRED;
  private static final long BYTES = 1L << 30;

  private final Arena arena = Arena.ofShared();
  private final AtomicLong next = new AtomicLong();
  private MemorySegment memory = MemorySegment.NULL;
  private float start = 1f;

  /** Takes memory well beyond the caches, and touches it. */
  @Setup
  public void allocate() {
    memory = arena.allocate(BYTES, 4096);
    memory.fill((byte) 1);
  }

  @TearDown
  public void free() {
    arena.close();
  }

  /** Twelve independent chains, enough to hide the latency of two units. */
  @Benchmark
  public float multiplyAdd() {
    FloatVector x = FloatVector.broadcast(SPECIES, 0.999f * start);
    // Not constants, of which the compiler would know too much.
    FloatVector a = FloatVector.broadcast(SPECIES, 0f + start);
    FloatVector b = FloatVector.broadcast(SPECIES, 1f + start);
    FloatVector c = FloatVector.broadcast(SPECIES, 2f + start);
    FloatVector d = FloatVector.broadcast(SPECIES, 3f + start);
    FloatVector e = FloatVector.broadcast(SPECIES, 4f + start);
    FloatVector f = FloatVector.broadcast(SPECIES, 5f + start);
    FloatVector g = FloatVector.broadcast(SPECIES, 6f + start);
    FloatVector h = FloatVector.broadcast(SPECIES, 7f + start);
    FloatVector i = FloatVector.broadcast(SPECIES, 8f + start);
    FloatVector j = FloatVector.broadcast(SPECIES, 9f + start);
    FloatVector k = FloatVector.broadcast(SPECIES, 10f + start);
    FloatVector l = FloatVector.broadcast(SPECIES, 11f + start);
    for (int n = 0; n < MULTIPLY_ADDS / 12; n++) {
      a = a.fma(x, x);
      b = b.fma(x, x);
      c = c.fma(x, x);
      d = d.fma(x, x);
      e = e.fma(x, x);
      f = f.fma(x, x);
      g = g.fma(x, x);
      h = h.fma(x, x);
      i = i.fma(x, x);
      j = j.fma(x, x);
      k = k.fma(x, x);
      l = l.fma(x, x);
    }
    return a.add(b).add(c).add(d).add(e).add(f).add(g).add(h).add(i).add(j).add(k).add(l).lane(0);
  }

  /** Each thread reads the next chunk, in order, as a matrix-vector product would. */
  @Benchmark
  public float read() {
    long from = next.getAndAdd(CHUNK) % BYTES;
    FloatVector a = FloatVector.zero(SPECIES), b = a, c = a, d = a;
    long step = SPECIES.vectorByteSize();
    for (long i = 0; i < CHUNK; i += 4 * step) {
      a = a.add(load(from + i));
      b = b.add(load(from + i + step));
      c = c.add(load(from + i + 2 * step));
      d = d.add(load(from + i + 3 * step));
    }
    return a.add(b).add(c).add(d).lane(0);
  }

  private FloatVector load(long offset) {
    return FloatVector.fromMemorySegment(SPECIES, memory, offset, ByteOrder.nativeOrder());
  }
}
