package dev.kappa.bench.kernels;

import dev.kappa.device.AttentionShape;
import dev.kappa.device.Batch;
import dev.kappa.device.DType;
import dev.kappa.device.Device;
import dev.kappa.device.DeviceMemory;
import dev.kappa.device.Devices;
import dev.kappa.device.KvLayer;
import dev.kappa.device.Stream;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/** One layer's attention of one sequence: prefill chunks and decodes at a depth. */
@State(Scope.Benchmark)
public class AttentionBenchmark {

  private static final int BLOCK_TOKENS = 64;

  @Param({"BF16", "F16", "F32"})
  public DType dtype = DType.BF16;

  /** Query heads / KV heads / elements per head. */
  @Param({"32/4/64", "12/4/64", "32/8/128"})
  public String heads = "";

  /** Tokens in KV before / new tokens. */
  @Param({"0/512", "2048/512", "4095/1", "8191/1"})
  public String span = "";

  private final Device device = Devices.open("cpu", 0).device();
  private final Stream stream = device.newStream("compute");
  private AttentionShape shape = shape("1/1/16");
  private Batch batch = new Batch(device, 1, 1, 1);
  private KvLayer layer = new KvLayer(device.allocate(1), 0, 0, 0, BLOCK_TOKENS, DType.F32);
  private DeviceMemory qkv = device.allocate(1);
  private DeviceMemory out = device.allocate(1);

  static AttentionShape shape(String heads) {
    String[] parts = heads.split("/", -1);
    int dim = Integer.parseInt(parts[2]);
    float scale = (float) (1 / Math.sqrt(dim));
    return new AttentionShape(Integer.parseInt(parts[0]), Integer.parseInt(parts[1]), dim, scale);
  }

  static int past(String span) {
    return Integer.parseInt(span, 0, span.indexOf('/'), 10);
  }

  static int rows(String span) {
    return Integer.parseInt(span, span.indexOf('/') + 1, span.length(), 10);
  }

  @Setup
  public void fill() {
    close(batch, layer.pool(), qkv, out);
    shape = shape(heads);
    int rows = rows(span);
    int past = past(span);
    int blocks = Math.ceilDiv(past + rows, BLOCK_TOKENS);
    long side = (long) shape.kvHeads() * BLOCK_TOKENS * shape.headDim() * dtype.bytes();
    DeviceMemory pool = device.allocate(2 * side * blocks);
    Fill.random(device, stream, pool, dtype);
    layer = new KvLayer(pool, 2 * side, 0, side, BLOCK_TOKENS, dtype);
    batch = new Batch(device, rows, 1, blocks);
    batch.clear();
    batch.beginSequence(past + rows);
    for (int i = 0; i < blocks; i++) {
      // Neighbours in the sequence are not neighbours in the pool.
      batch.setBlock(i, i % 2 == 0 ? i / 2 : blocks - 1 - i / 2);
    }
    for (int i = 0; i < rows; i++) {
      batch.addRow(0, past + i);
    }
    qkv = device.allocate(4L * rows * shape.qkvColumns());
    out = device.allocate(4L * rows * shape.heads() * shape.headDim());
    Fill.random(device, stream, qkv, DType.F32);
  }

  @TearDown
  public void close() {
    stream.close();
    close(batch, layer.pool(), qkv, out);
    device.close();
  }

  private static void close(Batch batch, DeviceMemory... memories) {
    batch.close();
    for (DeviceMemory memory : memories) {
      memory.close();
    }
  }

  @Benchmark
  public void attend() {
    device.kernels().attention(stream, qkv, batch, shape, layer, out);
    stream.synchronize();
  }
}
