package dev.kappa.device.virtual;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kappa.device.Activation;
import dev.kappa.device.AttentionShape;
import dev.kappa.device.Batch;
import dev.kappa.device.DType;
import dev.kappa.device.DeviceMemory;
import dev.kappa.device.Experts;
import dev.kappa.device.Kernels;
import dev.kappa.device.KvLayer;
import dev.kappa.device.KvSpan;
import dev.kappa.device.MatrixSource;
import dev.kappa.device.RopeStore;
import dev.kappa.device.Router;
import dev.kappa.device.Weight;
import java.lang.foreign.ValueLayout;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Durations by hand: 10 ns of launch, then 1000 FLOPs or 100 bytes in a nanosecond. */
class VirtualKernelsTest extends VirtualFixture {

  private final Kernels kernels = device.kernels();

  /** 128 bytes of keys and values and 512 FLOPs for each token that a row sees. */
  private final AttentionShape shape = new AttentionShape(8, 2, 16, 0.25f);

  private final DeviceMemory pool = own(device.allocate(80 * 2048));
  private final KvLayer layer = new KvLayer(pool, 2048, 0, 1024, 16, DType.BF16);

  /** Consecutive new tokens of a sequence. */
  private record Part(int first, int count) {}

  private Batch batch(Part... parts) {
    Batch batch = own(new Batch(device, 200, parts.length, 80));
    batch.clear();
    for (Part part : parts) {
      batch.beginSequence(part.first() + part.count());
      for (int i = 0; i < part.count(); i++) {
        batch.addRow(0, part.first() + i);
      }
      batch.markOutput();
    }
    return batch;
  }

  private Weight weight(int rows, int columns) {
    return own(device.loadWeight(new MatrixSource(DType.BF16, rows, columns, List::of)));
  }

  @Test
  void matrixProductsTakeTheirArithmeticOrTheirWeights() {
    Weight weight = weight(100, 500);
    assertThat(timeOf(() -> kernels.matmul(stream, memory, 1, weight, memory)))
        .as("100,000 bytes of weights")
        .isEqualTo(10 + 1000);
    assertThat(timeOf(() -> kernels.matmul(stream, memory, 30, weight, memory)))
        .as("2 · 30 · 100 · 500 FLOPs")
        .isEqualTo(10 + 3000);
    assertThat(timeOf(() -> kernels.logits(stream, memory, 30, weight, memory)))
        .isEqualTo(10 + 3000);
  }

  @Test
  void attentionTakesWhatRowsSeeOrTheKvOfEverySequenceOnce() {
    Batch prefill = batch(new Part(0, 100));
    assertThat(timeOf(() -> kernels.attention(stream, memory, prefill, shape, layer, memory)))
        .as("1 + 2 + … + 100 = 5050 pairs of 512 FLOPs, rounded")
        .isEqualTo(10 + 2586);
    Batch mixed = batch(new Part(96, 4), new Part(999, 1));
    assertThat(timeOf(() -> kernels.attention(stream, memory, mixed, shape, layer, memory)))
        .as("KV of 100 and 1000 tokens of 128 bytes; the pairs would take 714 ns")
        .isEqualTo(10 + 1408);
  }

  @Test
  void attentionWithinAWindowTakesWhatLiesInIt() {
    AttentionShape near =
        new AttentionShape(shape.heads(), shape.kvHeads(), shape.headDim(), 1, 10, 0);
    Batch prefill = batch(new Part(0, 100));
    assertThat(timeOf(() -> kernels.attention(stream, memory, prefill, near, layer, memory)))
        .as("55 + 90 · 10 = 955 pairs of 512 FLOPs, rounded")
        .isEqualTo(10 + 489);
    Batch decode = batch(new Part(999, 1));
    assertThat(timeOf(() -> kernels.attention(stream, memory, decode, near, layer, memory)))
        .as("KV of 10 tokens of 128 bytes, rounded")
        .isEqualTo(10 + 13);
    DeviceMemory state = own(device.allocate(kernels.attentionStateBytes(near, 1)));
    assertThat(
            timeOf(() ->
                kernels.attentionSpan(
                    stream, memory, decode, near, layer, new KvSpan(0, 960, false), state)))
        .as("nothing that the row sees")
        .isEqualTo(10);
  }

  @Test
  void expertsTakeTheirProductsOrTheWeightsOfThoseThatAreChosen() {
    Router router = new Router(4, 2, true);
    Experts experts =
        new Experts(router, matrices(4, 200, 200), matrices(4, 200, 100), Activation.SILU);
    assertThat(timeOf(() -> experts(experts, 1)))
        .as("half of 4 · 3 · 20,000 weights of 2 bytes; the products would take 240 ns")
        .isEqualTo(10 + 2400);
    assertThat(timeOf(() -> experts(experts, 40)))
        .as("40 rows · 2 · 3 · 20,000 products of 2 FLOPs")
        .isEqualTo(10 + 9600);
    assertThat(timeOf(() -> kernels.route(stream, memory, 10, router, memory)))
        .as("160 bytes read and as many written")
        .isEqualTo(10 + 3);
  }

  private void experts(Experts experts, int rows) {
    kernels.experts(stream, memory, rows, experts, memory, memory, memory);
  }

  private Weight matrices(int count, int rows, int columns) {
    return own(device.loadWeight(new MatrixSource(DType.BF16, count, rows, columns, List::of)));
  }

  @Test
  void spansOfAttentionAddUpToTheWhole() {
    Batch rows = batch(new Part(100, 100));
    DeviceMemory state = own(device.allocate(kernels.attentionStateBytes(shape, 100)));
    assertThat(
            timeOf(() ->
                kernels.attentionSpan(
                    stream, memory, rows, shape, layer, new KvSpan(0, 128, false), state)))
        .as("28 rows see 101 to 128 tokens, 72 rows 128: 12,422 pairs")
        .isEqualTo(10 + 6360);
    assertThat(
            timeOf(() ->
                kernels.attentionSpan(
                    stream, memory, rows, shape, layer, new KvSpan(128, 72, true), state)))
        .as("72 rows see 1 to 72 tokens: 2628 pairs, rounded with the launch")
        .isEqualTo(10 + 1346);
    assertThat(timeOf(() -> kernels.attentionResult(stream, rows, shape, state, memory)))
        .as("state of 57,600 bytes, result of 25,600")
        .isEqualTo(10 + 832);
  }

  @Test
  void everythingElseTakesItsBytes() {
    Batch rows = batch(new Part(0, 90), new Part(0, 10));
    RopeStore rope = new RopeStore(shape, memory, null, null, 0);
    Weight table = weight(500, 50);
    assertThat(timeOf(() -> kernels.embed(stream, table, rows, 1, memory)))
        .as("100 · 50 elements read and written")
        .isEqualTo(10 + 200);
    assertThat(timeOf(() -> kernels.rmsNorm(stream, memory, memory, 10, 500, 0, memory)))
        .as("2 · 10,000 bytes and 2000 of weights")
        .isEqualTo(10 + 220);
    assertThat(timeOf(() -> kernels.addRmsNorm(stream, memory, memory, memory, 10, 500, 0, memory)))
        .as("4 · 10,000 bytes and 2000 of weights")
        .isEqualTo(10 + 420);
    assertThat(timeOf(() -> kernels.ropeStore(stream, memory, rows, rope, layer)))
        .as("100 rows of 384 + 64 bytes read and 256 + 128 written")
        .isEqualTo(10 + 832);
    assertThat(timeOf(() -> kernels.gate(stream, Activation.SILU, memory, 10, 500, memory)))
        .isEqualTo(10 + 300);
    assertThat(timeOf(() -> kernels.softcap(stream, memory, 10, 500, 30))).isEqualTo(10 + 400);
    assertThat(timeOf(() -> kernels.gatherOutputs(stream, memory, rows, 0, 2, 500, memory)))
        .isEqualTo(10 + 40);
  }

  @Test
  void argmaxFindsTheTokenThatItIsSetTo() {
    VirtualOptions options = VirtualOptions.defaults().withArgmaxToken(7);
    try (VirtualDevice seven = new VirtualDevice(HARDWARE, options, 1);
        var on = seven.newStream("test");
        var logits = seven.allocate(MIB);
        var tokens = seven.allocateHost(8)) {
      seven.kernels().argmax(on, logits, 2, 500, tokens);
      assertThat(tokens.segment().getAtIndex(ValueLayout.JAVA_INT, 1)).as("not yet").isZero();
      on.synchronize();
      assertThat(seven.clock().nanos()).isEqualTo(10 + 40);
      assertThat(tokens.segment().toArray(ValueLayout.JAVA_INT)).containsExactly(7, 7);
      assertThatThrownBy(() -> seven.kernels().argmax(on, logits, 2, 7, tokens))
          .isInstanceOf(IllegalArgumentException.class);
    }
  }

  @Test
  void refusesWhatDoesNotFitItsMemory() {
    DeviceMemory tiny = own(device.allocate(100));
    Batch rows = batch(new Part(0, 100));
    Weight weight = weight(100, 500);
    assertThatThrownBy(() -> kernels.matmul(stream, memory, 1, weight, tiny))
        .isInstanceOf(IndexOutOfBoundsException.class);
    assertThatThrownBy(() -> kernels.attention(stream, tiny, rows, shape, layer, memory))
        .isInstanceOf(IndexOutOfBoundsException.class);
    KvLayer narrow = new KvLayer(pool, 2047, 0, 1024, 16, DType.BF16);
    assertThatThrownBy(() -> kernels.attention(stream, memory, rows, shape, narrow, memory))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void refusesSpansThatTheContractForbids() {
    Batch rows = batch(new Part(100, 100));
    Batch two = batch(new Part(0, 10), new Part(0, 10));
    DeviceMemory state = own(device.allocate(kernels.attentionStateBytes(shape, 200)));
    for (KvSpan span :
        List.of(new KvSpan(32, 64, false), new KvSpan(0, 100, false), new KvSpan(128, 73, false))) {
      assertThatThrownBy(
              () -> kernels.attentionSpan(stream, memory, rows, shape, layer, span, state))
          .isInstanceOf(IllegalArgumentException.class);
    }
    KvSpan span = new KvSpan(0, 10, false);
    assertThatThrownBy(() -> kernels.attentionSpan(stream, memory, two, shape, layer, span, state))
        .isInstanceOf(IllegalArgumentException.class);
    KvLayer staging = new KvLayer(pool.slice(0, 7 * 2048), 2048, 0, 1024, 16, DType.BF16);
    KvSpan staged = new KvSpan(0, 128, true);
    assertThatThrownBy(
            () -> kernels.attentionSpan(stream, memory, rows, shape, staging, staged, state))
        .as("eight blocks in room for seven")
        .isInstanceOf(IndexOutOfBoundsException.class);
  }
}
