package dev.kappa.bench.kernels;

import dev.kappa.device.DType;
import dev.kappa.device.Device;
import dev.kappa.device.DeviceMemory;
import dev.kappa.device.Devices;
import dev.kappa.device.Encoding;
import dev.kappa.device.MatrixSource;
import dev.kappa.device.Stream;
import dev.kappa.device.Weight;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/** Matrix products with weights that come from memory, not from a cache. */
@State(Scope.Benchmark)
public class MatmulBenchmark {

  /** Weights are cycled through, so that every call finds them cold. */
  private static final long COLD_BYTES = 1L << 30;

  @Param({"BF16", "F16", "F32", "Q8_0", "Q4_0", "Q4_K", "Q6_K"})
  public Encoding weights = Encoding.BF16;

  @Param({"1", "4", "32", "512"})
  public int rows;

  /** Outputs x inputs. */
  @Param({"2048x2048", "5632x2048", "2048x5632"})
  public String shape = "";

  private final List<Weight> loaded = new ArrayList<>();
  private Device device = Devices.open("cpu", 0).device();
  private Stream stream = device.newStream("compute");
  private DeviceMemory in = device.allocate(1);
  private DeviceMemory out = device.allocate(1);
  private int next;

  static int outputs(String shape) {
    return Integer.parseInt(shape, 0, shape.indexOf('x'), 10);
  }

  static int inputs(String shape) {
    return Integer.parseInt(shape, shape.indexOf('x') + 1, shape.length(), 10);
  }

  @Setup
  public void load() {
    int outputs = outputs(shape);
    int inputs = inputs(shape);
    in.close();
    out.close();
    in = device.allocate(4L * rows * inputs);
    out = device.allocate(4L * rows * outputs);
    Fill.random(device, stream, in, DType.F32);
    long bytes = weights.bytes(inputs) * outputs;
    int copies = rows == 1 ? (int) Math.ceilDiv(COLD_BYTES, bytes) : 1;
    try (Arena arena = Arena.ofShared()) {
      MemorySegment source = arena.allocate(bytes);
      Fill.random(source, weights, new Random(1));
      MatrixSource.Range all = new MatrixSource.Range(weights, outputs);
      MatrixSource.Part part = new MatrixSource.Part(weights, source);
      for (int i = 0; i < copies; i++) {
        loaded.add(
            device.loadWeight(new MatrixSource(1, inputs, List.of(all), () -> List.of(part))));
      }
    }
  }

  @TearDown
  public void close() {
    stream.close();
    loaded.forEach(Weight::close);
    in.close();
    out.close();
    device.close();
  }

  @Benchmark
  public void multiply() {
    next = (next + 1) % loaded.size();
    device.kernels().matmul(stream, in, rows, loaded.get(next), out);
    stream.synchronize();
  }
}
