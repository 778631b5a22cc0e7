package dev.kappa.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.kappa.device.KvFixture.Part;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Attention over spans: what comes out, however a context is cut and wherever its blocks lie. */
abstract class SpanContract extends ExactnessContract {

  @ParameterizedTest
  @CsvSource({
    "F32,4,4,16,16,300,1",
    "BF16,8,1,64,64,1500,3",
    "F16,6,2,48,32,2100,70",
    "BF16,4,2,128,16,1025,1",
    "F16,3,3,80,8,200,200",
    "F32,7,1,32,1,130,7",
  })
  void attendsOverSpans(
      DType dtype, int heads, int kvHeads, int dim, int blockTokens, int context, int rows) {
    AttentionShape shape = new AttentionShape(heads, kvHeads, dim, (float) (2 / Math.sqrt(dim)));
    Scene scene = new Scene(shape, dtype, blockTokens, context, rows);
    scene.assertAttended(scene.attend(scene.cut()));
  }

  @ParameterizedTest
  @CsvSource({
    "BF16,4,2,64,16,1500,1,100,0",
    "F16,3,1,128,32,1300,70,600,0.5",
    "BF16,2,1,256,16,1100,3,64,0",
    "F32,4,2,32,16,1200,40,300,2",
    "F16,7,1,80,8,1000,130,5000,0",
  })
  void attendsOverSpansWithinAWindow(
      DType dtype,
      int heads,
      int kvHeads,
      int dim,
      int blockTokens,
      int context,
      int rows,
      int window,
      float softcap) {
    assumeTrue(hasWindows());
    float scale = (float) (3 / Math.sqrt(dim));
    AttentionShape shape = new AttentionShape(heads, kvHeads, dim, scale, window, softcap);
    Scene scene = new Scene(shape, dtype, blockTokens, context, rows);
    float[] whole = scene.attendWhole();
    scene.assertAttended(whole);
    for (int cut = 0; cut < 4; cut++) {
      List<KvSpan> spans = scene.cut();
      float[] actual = scene.attend(spans);
      if (promises().contains(Independent.SPANS)) {
        assertSameBits(actual, whole, scene + " in " + spans);
      } else {
        scene.assertAttended(actual);
      }
    }
  }

  /** Devices may treat what is far from the start of a context otherwise than what is near. */
  @ParameterizedTest
  @CsvSource({"BF16,9000,1", "F16,8200,3", "F32,8300,2", "BF16,34900,1", "F16,35000,20"})
  void attendsOverLongContexts(DType dtype, int context, int rows) {
    AttentionShape shape = new AttentionShape(2, 1, 64, 0.3f);
    Scene scene = new Scene(shape, dtype, 64, context, rows);
    float[] whole = scene.attendWhole();
    scene.assertAttended(whole);
    List<KvSpan> spans = new ArrayList<>();
    int step = 5 * 960;
    for (int first = 0; first < context; first += step) {
      spans.add(new KvSpan(first, Math.min(step, context - first), first % 2 == 0));
    }
    float[] inSpans = scene.attend(spans);
    if (promises().contains(Independent.SPANS)) {
      assertSameBits(inSpans, whole, scene + " in " + spans);
    } else {
      scene.assertAttended(inSpans);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 7})
  void attendsOverRandomSpansAsOverAll(int threads) throws Exception {
    assumeTrue(promises().contains(Independent.SPANS));
    onDevice(
        threads,
        () -> {
          for (int round = 0; round < 12; round++) {
            Scene scene = randomScene();
            float[] whole = scene.attendWhole();
            for (int cut = 0; cut < 3; cut++) {
              List<KvSpan> spans = scene.cut();
              assertSameBits(scene.attend(spans), whole, scene + " in " + spans);
            }
          }
          return true;
        });
  }

  @ParameterizedTest
  @EnumSource
  void attendsOverSpansOfATileAsOverAll(DType dtype) {
    assumeTrue(promises().contains(Independent.SPANS));
    for (int rows : new int[] {1, 40, 1301}) {
      Scene scene = new Scene(new AttentionShape(6, 2, 32, 0.3f), dtype, 16, 1301, rows);
      int tile = device.kernels().attentionTile();
      List<KvSpan> spans = new ArrayList<>();
      for (int first = 0; first < 1301; first += tile) {
        spans.add(new KvSpan(first, Math.min(tile, 1301 - first), rows == 40));
      }
      assertSameBits(scene.attend(spans), scene.attendWhole(), scene.toString());
    }
  }

  private Scene randomScene() {
    int kvHeads = 1 + random.nextInt(3);
    AttentionShape shape =
        new AttentionShape(
            kvHeads * (1 + random.nextInt(5)), kvHeads, 16 * (1 + random.nextInt(8)), 0.3f);
    DType dtype = DType.values()[random.nextInt(3)];
    int blockTokens = random.nextInt(4) == 0 ? 1 + random.nextInt(64) : 1 << random.nextInt(7);
    int context = 1 + random.nextInt(random.nextBoolean() ? 300 : 3500);
    int rows = random.nextBoolean() ? 1 : 1 + random.nextInt(Math.min(context, 200));
    return new Scene(shape, dtype, blockTokens, context, rows);
  }

  @Test
  void givesTheAttentionOfTheSpansSoFar() {
    Scene scene = new Scene(new AttentionShape(2, 1, 32, 0.3f), DType.F32, 16, 1100, 1);
    int tile = device.kernels().attentionTile();
    int early = 1024 / tile * tile - tile;
    DeviceMemory state = scene.newState();
    scene.span(new KvSpan(0, early, false), state);
    float[] first = scene.result(state);
    assertSameBits(scene.result(state), first, "a second result");
    scene.span(new KvSpan(early, 1100 - early, true), state);
    float[] all = scene.result(state);
    Reference.Attended expected =
        Reference.attention(scene.qkv, 0, scene.kv.shape, 0, scene.keys, scene.values, early - 1);
    assertAttended(Arrays.copyOf(first, 32), expected, "the first span");
    scene.assertAttended(all);
  }

  @Test
  void startsAnewAtTokenZero() {
    Scene scene = new Scene(new AttentionShape(4, 2, 64, 0.3f), DType.BF16, 16, 700, 9);
    DeviceMemory state = scene.newState();
    int tile = device.kernels().attentionTile();
    scene.span(new KvSpan(0, 2 * tile, false), state);
    scene.span(new KvSpan(0, 700, true), state);
    float[] fresh = scene.attend(List.of(new KvSpan(0, 700, true)));
    assertSameBits(scene.result(state), fresh, "after an abandoned context");
  }

  @Test
  void refusesSpansItCannotAttendTo() {
    AttentionShape shape = new AttentionShape(2, 1, 32, 0.3f);
    Scene scene = new Scene(shape, DType.F32, 16, 1000, 1);
    int tile = device.kernels().attentionTile();
    DeviceMemory state = scene.newState();
    List<KvSpan> wrong =
        List.of(
            new KvSpan(tile / 2, tile, false),
            new KvSpan(0, tile - 1, false),
            new KvSpan(0, 1001, false),
            new KvSpan(960, tile, false));
    for (KvSpan span : wrong) {
      assertThatThrownBy(() -> scene.span(span, state))
          .isInstanceOf(IllegalArgumentException.class);
    }
    assertThatThrownBy(() -> scene.span(new KvSpan(0, tile, false), state.slice(0, 64)))
        .isInstanceOf(IndexOutOfBoundsException.class);
    DeviceMemory staging = poisonedBytes(scene.kv.layer.blockStride());
    assertThatThrownBy(() -> scene.span(new KvSpan(0, tile, true), scene.layerOn(staging), state))
        .isInstanceOf(IndexOutOfBoundsException.class);
    Batch two = scene.kv.batch(new Part(new int[1], 0, 1), new Part(new int[1], 0, 1));
    DeviceMemory qkv = poisoned(2 * shape.qkvColumns());
    KvSpan span = new KvSpan(0, 1, false);
    assertThatThrownBy(() ->
            device.kernels().attentionSpan(stream, qkv, two, shape, scene.kv.layer, span, state))
        .isInstanceOf(IllegalArgumentException.class);
    stream.synchronize();
  }

  @Test
  void needsStateThatGrowsWithTheRows() {
    AttentionShape shape = new AttentionShape(6, 2, 64, 1f);
    long before = 0;
    for (int rows = 1; rows < 300; rows++) {
      long bytes = device.kernels().attentionStateBytes(shape, rows);
      assertThat(bytes).isGreaterThanOrEqualTo(before).isGreaterThan(rows * 6 * 64 * 4L);
      before = bytes;
    }
  }

  /** The last rows of one sequence, with the queries for them. */
  private final class Scene {

    final KvFixture kv;
    final int[] table;
    final int poison;
    final int context;
    final float[] keys;
    final float[] values;
    final float[] qkv;
    final DeviceMemory queries;
    final Batch batch;

    Scene(AttentionShape shape, DType dtype, int blockTokens, int context, int rows) {
      this.context = context;
      int blocks = Math.ceilDiv(context, blockTokens);
      kv = new KvFixture(SpanContract.this, shape, dtype, blockTokens, blocks + 1);
      table = kv.take(context);
      poison = kv.take(1)[0];
      keys = randomFloats(context * shape.kvHeads() * shape.headDim(), 2f, dtype);
      values = randomFloats(keys.length, 1f, dtype);
      forgetUnseen(shape, blockTokens, context - rows, keys, values);
      kv.fill(table, keys, values);
      qkv = randomActivations(rows * shape.qkvColumns());
      queries = upload(qkv);
      batch = kv.batch(new Part(table, context - rows, rows));
    }

    /** Cuts the context at random, staging some of the spans. */
    List<KvSpan> cut() {
      int step = device.kernels().attentionTile();
      while (step % kv.layer.blockTokens() != 0) {
        step += device.kernels().attentionTile();
      }
      List<KvSpan> spans = new ArrayList<>();
      int most = 1 + random.nextInt(20);
      for (int first = 0; first < context; ) {
        int tokens = Math.min(context - first, step * (1 + random.nextInt(most)));
        spans.add(new KvSpan(first, tokens, random.nextBoolean()));
        first += tokens;
      }
      return spans;
    }

    DeviceMemory newState() {
      return poisonedBytes(device.kernels().attentionStateBytes(kv.shape, batch.rows()));
    }

    float[] attendWhole() {
      DeviceMemory out = poisoned(elements());
      device.kernels().attention(stream, queries, batch, kv.shape, kv.layer, out);
      return download(out, elements());
    }

    /** Attends over spans; the table leads astray where they are staged. */
    float[] attend(List<KvSpan> spans) {
      for (KvSpan span : spans) {
        for (int t = span.first(); t < span.end() && span.staged(); t += kv.layer.blockTokens()) {
          batch.setBlock(t / kv.layer.blockTokens(), poison);
        }
      }
      DeviceMemory state = newState();
      spans.forEach(span -> span(span, state));
      float[] out = result(state);
      for (int i = 0; i < table.length; i++) {
        batch.setBlock(i, table[i]);
      }
      return out;
    }

    void assertAttended(float[] actual) {
      for (int row = 0; row < batch.rows(); row++) {
        SpanContract.this.assertAttended(
            actual, qkv, row, kv.shape, keys, values, batch.position(row));
      }
    }

    void span(KvSpan span, DeviceMemory state) {
      span(span, span.staged() ? stage(span) : kv.layer, state);
    }

    void span(KvSpan span, KvLayer layer, DeviceMemory state) {
      device.kernels().attentionSpan(stream, queries, batch, kv.shape, layer, span, state);
    }

    float[] result(DeviceMemory state) {
      DeviceMemory out = poisoned(elements());
      device.kernels().attentionResult(stream, batch, kv.shape, state, out);
      return download(out, elements());
    }

    /** Copies a span's blocks to where they lie one after the other. */
    private KvLayer stage(KvSpan span) {
      int tokens = kv.layer.blockTokens();
      int blocks = Math.ceilDiv(span.tokens(), tokens);
      long stride = kv.layer.blockStride();
      DeviceMemory staging = own(device.allocate(blocks * stride));
      for (int i = 0; i < blocks; i++) {
        long from = table[span.first() / tokens + i] * stride;
        stream.copy(staging, i * stride, kv.layer.pool(), from, stride);
      }
      return layerOn(staging);
    }

    KvLayer layerOn(DeviceMemory pool) {
      KvLayer layer = kv.layer;
      return new KvLayer(
          pool,
          layer.blockStride(),
          layer.keyOffset(),
          layer.valueOffset(),
          layer.blockTokens(),
          layer.dtype());
    }

    private int elements() {
      return batch.rows() * kv.shape.heads() * kv.shape.headDim();
    }

    @Override
    public String toString() {
      return "%d rows of %d tokens, %s, %s in blocks of %d"
          .formatted(batch.rows(), context, kv.shape, kv.layer.dtype(), kv.layer.blockTokens());
    }
  }
}
