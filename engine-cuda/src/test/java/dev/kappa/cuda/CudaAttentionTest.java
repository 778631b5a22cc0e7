package dev.kappa.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kappa.cuda.sim.SimulationControl;
import dev.kappa.device.AttentionShape;
import dev.kappa.device.Batch;
import dev.kappa.device.DType;
import dev.kappa.device.Device;
import dev.kappa.device.DeviceMemory;
import dev.kappa.device.HostMemory;
import dev.kappa.device.KvLayer;
import dev.kappa.device.KvSpan;
import dev.kappa.device.Resources;
import dev.kappa.device.RopeStore;
import dev.kappa.device.Stream;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** How attention is cut into launches: it shows in their number, and in no bit of a result. */
class CudaAttentionTest {

  private static final long SEED = Long.getLong("kappa.test.seed", 20261124);
  private static final int BLOCK_TOKENS = 16;

  /** A GPU so small that every launch fills it, and a large one. */
  private static final int[] PROCESSORS = {1, 1000};

  @ParameterizedTest
  @CsvSource({
    "BF16,8,4,64,2147483647,0,1030,40",
    "F16,8,4,128,700,0,1500,33",
    "BF16,4,4,256,2147483647,0.5,600,20",
    "F16,12,4,96,100,2,1000,70",
    "F32,8,4,48,600,0,1100,17",
    "BF16,4,4,64,2147483647,0,9300,2",
  })
  void splitsAContextWhereBlocksAreFew(
      DType dtype,
      int heads,
      int kvHeads,
      int dim,
      int window,
      float softcap,
      int cached,
      int rows) {
    AttentionShape shape = new AttentionShape(heads, kvHeads, dim, 0.3f, window, softcap);
    byte[][] results = new byte[PROCESSORS.length][];
    byte[][] inSpans = new byte[PROCESSORS.length][];
    long[] launches = new long[PROCESSORS.length];
    for (int i = 0; i < PROCESSORS.length; i++) {
      SimulationControl control = SimulatedGpu.reset();
      control.processors(PROCESSORS[i]);
      try (Scene scene = new Scene(shape, dtype, cached + rows)) {
        Batch batch = scene.batch(new int[] {cached, rows});
        long before = control.counters().launches();
        results[i] = scene.attend(batch);
        launches[i] = control.counters().launches() - before;
        inSpans[i] = scene.attendSpans(batch, (cached + rows) / 2 / 64 * 64);
      }
    }
    // A copy of the batch and attention; then a merge as well.
    assertThat(launches).containsExactly(2, 3);
    assertThat(results[1]).as("seed %d", SEED).isEqualTo(results[0]);
    assertThat(inSpans[0]).as("seed %d", SEED).isEqualTo(results[0]);
    assertThat(inSpans[1]).as("seed %d", SEED).isEqualTo(results[0]);
  }

  @Test
  void takesManyDecodesInPieces() {
    SimulationControl control = SimulatedGpu.reset();
    control.configure(SimulationControl.Setup.plain().withMemoryBytes(64 << 20));
    AttentionShape shape = new AttentionShape(20, 1, 64, 0.3f);
    int[][] parts = new int[40][];
    for (int i = 0; i < parts.length; i++) {
      parts[i] = new int[] {i % 3 == 0 ? 20 + i : 500 + 17 * i, 1};
    }
    try (Scene scene = new Scene(shape, DType.BF16, 1200)) {
      long before = control.counters().launches();
      byte[] together = scene.attend(scene.batch(parts));
      // A copy of the batch and a plan; attention and a merge of each piece.
      assertThat(control.counters().launches() - before).isGreaterThan(2 + 2).isEven();
      int rowBytes = together.length / parts.length;
      for (int i = 0; i < parts.length; i++) {
        byte[] alone = scene.attend(scene.batch(parts[i]));
        byte[] found = Arrays.copyOfRange(together, i * rowBytes, (i + 1) * rowBytes);
        assertThat(found).as("row %d, seed %d", i, SEED).isEqualTo(alone);
      }
    }
  }

  @Test
  void copiesABatchOnceAStep() {
    SimulationControl control = SimulatedGpu.reset();
    AttentionShape shape = new AttentionShape(4, 2, 64, 0.3f);
    AttentionShape windowed = new AttentionShape(4, 2, 64, 0.3f, 600, 0);
    try (Scene scene = new Scene(shape, DType.BF16, 1500)) {
      Batch batch = scene.batch(new int[] {1400, 1}, new int[] {300, 7});
      long before = control.counters().launches();
      byte[] first = scene.attend(batch);
      // The copy, the decodes' plan, decodes, their merge, the chunk.
      assertThat(control.counters().launches() - before).isEqualTo(5);
      byte[] second = scene.attend(batch, windowed);
      assertThat(control.counters().launches() - before).isEqualTo(5 + 4);
      for (int layer = 0; layer < 3; layer++) {
        assertThat(scene.attend(batch)).isEqualTo(first);
        assertThat(scene.attend(batch, windowed)).isEqualTo(second).isNotEqualTo(first);
      }
      assertThat(control.counters().launches() - before).isEqualTo(5 + 4 + 3 * (3 + 3));

      scene.fill(batch, new int[] {900, 1}, new int[] {20, 7});
      before = control.counters().launches();
      byte[] next = scene.attend(batch);
      assertThat(control.counters().launches() - before).isEqualTo(5);
      assertThat(next)
          .isNotEqualTo(first)
          .isEqualTo(scene.attend(scene.batch(new int[] {900, 1}, new int[] {20, 7})));
    }
  }

  /** A row's weight of what it does not see is zero, and zero times infinity is not. */
  @Test
  void valuesBeyondHalfPrecisionDoNotReachRowsBeforeThem() {
    SimulatedGpu.reset();
    int dim = 64;
    AttentionShape shape = new AttentionShape(1, 1, dim, 0.1f);
    try (Scene scene = new Scene(shape, DType.F16, BLOCK_TOKENS);
        DeviceMemory out = scene.device.allocate(2L * 2 * dim);
        DeviceMemory qkv = scene.device.allocate(2L * 2 * 3 * dim);
        DeviceMemory angles = scene.device.allocate(4L * BLOCK_TOKENS * dim);
        HostMemory host = scene.device.allocateHost(angles.bytes())) {
      scene.stream.copy(angles, 0, host, 0, angles.bytes());
      scene.stream.synchronize();
      for (int i = 0; i < 2 * 3 * dim; i++) {
        float value = i < 3 * dim ? 0.5f : 1e6f;
        short bits = (short) (Float.floatToRawIntBits(value) >>> 16);
        host.segment().setAtIndex(ValueLayout.JAVA_SHORT, i, bits);
      }
      scene.stream.copy(qkv, 0, host, 0, qkv.bytes());
      Batch batch = scene.batch(new int[] {0, 2});
      RopeStore rope = new RopeStore(shape, angles, null, null, 1e-6f);
      scene.device.kernels().ropeStore(scene.stream, qkv, batch, rope, scene.layer);
      scene.device.kernels().attention(scene.stream, qkv, batch, shape, scene.layer, out);
      MemorySegment result = MemorySegment.ofArray(scene.download(out));
      for (int i = 0; i < dim; i++) {
        short bits = result.get(ValueLayout.JAVA_SHORT_UNALIGNED, 2L * i);
        assertThat(Float.intBitsToFloat(bits << 16)).isEqualTo(0.5f);
      }
    }
  }

  /** A device with KV that all sequences share, and with queries. */
  private static final class Scene implements AutoCloseable {

    private final Resources resources = new Resources();
    private final Random random = new Random(SEED);
    private final Device device;
    private final Stream stream;
    private final AttentionShape shape;
    private final KvLayer layer;
    private final int[] table;
    private final int tokens;
    private final DeviceMemory queries;

    Scene(AttentionShape shape, DType dtype, int tokens) {
      this.shape = shape;
      this.tokens = tokens;
      device = resources.own(SimulatedGpu.open(), Device::close);
      stream = resources.own(device.newStream("test"), Stream::close);
      int blocks = Math.ceilDiv(tokens, BLOCK_TOKENS);
      long side = (long) shape.kvHeads() * BLOCK_TOKENS * shape.headDim() * dtype.bytes();
      layer = new KvLayer(random(2 * side * blocks, dtype), 2 * side, 0, side, BLOCK_TOKENS, dtype);
      table = new int[blocks];
      for (int i = 0; i < blocks; i++) {
        int other = random.nextInt(i + 1);
        table[i] = table[other];
        table[other] = i;
      }
      queries = random(2L * tokens * shape.qkvColumns(), DType.BF16);
    }

    private DeviceMemory random(long bytes, DType dtype) {
      DeviceMemory memory = resources.own(device.allocate(bytes), DeviceMemory::close);
      try (HostMemory host = device.allocateHost(bytes)) {
        MemorySegment to = host.segment();
        for (long i = 0; i < bytes / dtype.bytes(); i++) {
          float value = random.nextFloat() * 2 - 1;
          switch (dtype) {
            case F32 -> to.setAtIndex(ValueLayout.JAVA_FLOAT, i, value);
            case F16 -> to.setAtIndex(ValueLayout.JAVA_SHORT, i, Float.floatToFloat16(value));
            case BF16 ->
                to.setAtIndex(
                    ValueLayout.JAVA_SHORT, i, (short) (Float.floatToRawIntBits(value) >>> 16));
          }
        }
        stream.copy(memory, 0, host, 0, bytes);
        stream.synchronize();
      }
      return memory;
    }

    /** Sequences of {@code {cached tokens, new rows}}. */
    Batch batch(int[]... parts) {
      int rows = Arrays.stream(parts).mapToInt(part -> part[1]).sum();
      Batch batch =
          resources.own(new Batch(device, rows, parts.length, table.length), Batch::close);
      fill(batch, parts);
      return batch;
    }

    void fill(Batch batch, int[]... parts) {
      batch.clear();
      for (int[] part : parts) {
        assertThat(part[0] + part[1]).isLessThanOrEqualTo(tokens);
        batch.beginSequence(part[0] + part[1]);
        for (int i = 0; i * BLOCK_TOKENS < part[0] + part[1]; i++) {
          batch.setBlock(i, table[i]);
        }
        for (int i = 0; i < part[1]; i++) {
          batch.addRow(0, part[0] + i);
        }
      }
    }

    byte[] attend(Batch batch) {
      return attend(batch, shape);
    }

    /** Every row has the queries of its position, whatever batch it is in. */
    byte[] attend(Batch batch, AttentionShape as) {
      try (DeviceMemory out = device.allocate(outBytes(batch));
          DeviceMemory qkv = queriesOf(batch)) {
        device.kernels().attention(stream, qkv, batch, as, layer, out);
        return download(out);
      }
    }

    byte[] attendSpans(Batch batch, int cut) {
      long stateBytes = device.kernels().attentionStateBytes(shape, batch.rows());
      try (DeviceMemory out = device.allocate(outBytes(batch));
          DeviceMemory qkv = queriesOf(batch);
          DeviceMemory state = device.allocate(stateBytes)) {
        int context = batch.contextLength(0);
        for (KvSpan span :
            new KvSpan[] {new KvSpan(0, cut, false), new KvSpan(cut, context - cut, false)}) {
          device.kernels().attentionSpan(stream, qkv, batch, shape, layer, span, state);
        }
        device.kernels().attentionResult(stream, batch, shape, state, out);
        return download(out);
      }
    }

    private DeviceMemory queriesOf(Batch batch) {
      long rowBytes = 2L * shape.qkvColumns();
      DeviceMemory qkv = device.allocate(batch.rows() * rowBytes);
      for (int row = 0; row < batch.rows(); row++) {
        stream.copy(qkv, row * rowBytes, queries, batch.position(row) * rowBytes, rowBytes);
      }
      return qkv;
    }

    private long outBytes(Batch batch) {
      return 2L * batch.rows() * shape.heads() * shape.headDim();
    }

    private byte[] download(DeviceMemory memory) {
      try (HostMemory host = device.allocateHost(memory.bytes())) {
        stream.copy(host, 0, memory, 0, memory.bytes());
        stream.synchronize();
        return host.segment().toArray(ValueLayout.JAVA_BYTE);
      }
    }

    @Override
    public void close() {
      resources.close();
    }
  }
}
