package dev.kappa.schedule;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.kappa.device.Batch;
import dev.kappa.device.DType;
import dev.kappa.device.DeviceMemory;
import dev.kappa.device.KvLayer;
import dev.kappa.device.LayerKv;
import dev.kappa.device.Stream;
import dev.kappa.device.virtual.VirtualDevice;
import dev.kappa.device.virtual.VirtualModels;
import dev.kappa.kv.KvLayout;
import dev.kappa.model.Checkpoint;
import dev.kappa.model.LoadFormat;
import dev.kappa.model.ModelDirectory;
import dev.kappa.model.Transformer;
import dev.kappa.model.TransformerWeights;
import dev.kappa.model.WeightLoader;
import dev.kappa.roofline.HardwareProfile;
import dev.kappa.roofline.ModelShape;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Steps of the 8B model in virtual time: predictions are compared with what the steps take. */
class StepCostTest {

  private static final ModelShape LLAMA = VirtualModels.llama8B();
  private static final KvLayout LAYOUT = new KvLayout(32, 8, 128, 16, DType.BF16);
  private static final int MAX_ROWS = 2048;
  private static final int MAX_CONTEXT = 32_768;
  private static final int MAX_SEQUENCES = 33;

  @TempDir Path folder;

  private final List<AutoCloseable> open = new ArrayList<>();
  private VirtualDevice device;
  private Transformer transformer;
  private DeviceMemory logits;
  private Batch batch;
  private Stream stream;
  private LayerKv kv;

  private record Chunk(int start, int count) {}

  @BeforeEach
  void opens() throws Exception {
    HardwareProfile h100 = new HardwareProfile("h100", 5e14, 57e9, 57e9, 3.35e12, 2_000, 5_000);
    device = own(new VirtualDevice(h100, 1));
    ModelDirectory model = ModelDirectory.open(VirtualModels.write(folder, LLAMA, MAX_CONTEXT));
    try (Checkpoint checkpoint = model.checkpoint(LoadFormat.DUMMY, 1)) {
      TransformerWeights weights =
          own(WeightLoader.load(model.config(), checkpoint, device, MAX_CONTEXT, bytes -> {}));
      transformer = own(new Transformer(model.config(), weights, device, MAX_ROWS));
    }
    int blocks = LAYOUT.blocksFor(MAX_CONTEXT);
    DeviceMemory pool = own(device.allocate(blocks * LAYOUT.blockBytes()));
    logits = own(device.allocate(4L * MAX_SEQUENCES * LLAMA.vocabulary()));
    batch = own(new Batch(device, MAX_ROWS, MAX_SEQUENCES, blocks));
    stream = own(device.newStream("compute"));
    KvLayer[] layers = new KvLayer[LLAMA.layers()];
    for (int i = 0; i < layers.length; i++) {
      layers[i] = LAYOUT.layer(pool, i);
    }
    kv = layer -> layers[layer];
  }

  @AfterEach
  void closes() throws Exception {
    for (AutoCloseable resource : open.reversed()) {
      resource.close();
    }
  }

  private <T extends AutoCloseable> T own(T resource) {
    open.add(resource);
    return resource;
  }

  private static StepCost newCost() {
    return new StepCost(
        2.0 * LLAMA.activeParameters(),
        LLAMA.attentionFlopsPerPair(),
        2.0 * LLAMA.activeParameters(),
        LLAMA.kvBytesPerToken());
  }

  private static StepWork work(List<Chunk> chunks) {
    StepWork work = StepWork.NONE;
    for (Chunk chunk : chunks) {
      work = work.plus(chunk.start, chunk.count);
    }
    return work;
  }

  /** What a step takes that ends every chunk with a token. */
  private long run(List<Chunk> chunks) {
    batch.clear();
    for (Chunk chunk : chunks) {
      batch.beginSequence(chunk.start + chunk.count);
      for (int i = 0; i < chunk.count; i++) {
        batch.addRow(0, chunk.start + i);
      }
      batch.markOutput();
    }
    long start = device.clock().nanos();
    Transformer.Pass pass = transformer.pass(stream, batch, kv);
    while (pass.next()) {}
    transformer.logits(stream, 0, chunks.size(), logits);
    stream.synchronize();
    return device.clock().nanos() - start;
  }

  private static List<Chunk> decodes(int count, int context) {
    List<Chunk> chunks = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      chunks.add(new Chunk(context - 1, 1));
    }
    return chunks;
  }

  private static List<Chunk> decodesAnd(int count, int context, int start, int prefill) {
    List<Chunk> chunks = decodes(count, context);
    chunks.add(new Chunk(start, prefill));
    return chunks;
  }

  private static List<Chunk> random(Random random) {
    int decodes = random.nextInt(32);
    int context = 100 + random.nextInt(12_000);
    if (random.nextInt(3) == 0) {
      return decodes(decodes + 1, context);
    }
    return decodesAnd(decodes, context, random.nextInt(30_000), 1 + random.nextInt(1900));
  }

  /** How far off a prediction is, as a share of what the step takes. */
  private double error(StepCost cost, List<Chunk> chunks) {
    long took = run(chunks);
    return (cost.nanos(work(chunks)) - took) / (double) took;
  }

  private void observe(StepCost cost, List<Chunk> chunks) {
    cost.observe(work(chunks), run(chunks));
  }

  @Test
  void knowsNothingBeforeTheFirstStep() {
    assertThat(newCost().nanos(work(decodes(1, 100)))).isZero();
  }

  @Test
  void predictsWhatHasRunOnce() {
    StepCost cost = newCost();
    List<Chunk> step = decodesAnd(3, 1000, 0, 500);
    observe(cost, step);
    assertThat(error(cost, step)).isCloseTo(0, within(0.001));
  }

  @ParameterizedTest
  @ValueSource(longs = {0, 1, 2, 3, 4, 5, 6, 7})
  void predictsMixedStepsWithinFivePercentAfterAHandful(long seed) {
    Random random = new Random(seed);
    StepCost cost = handful(random);
    List<Double> errors = new ArrayList<>();
    for (int i = 0; i < 100; i++) {
      List<Chunk> step = random(random);
      errors.add(Math.abs(error(cost, step)));
      observe(cost, step);
    }
    errors.sort(null);
    assertThat(errors.get(94)).as("of 19 steps in 20").isLessThan(0.05);
    assertThat(errors.getLast()).as("of any step").isLessThan(0.1);
  }

  /** Of each kind of step one or two, and a few mixed ones. */
  private StepCost handful(Random random) {
    StepCost cost = newCost();
    observe(cost, List.of(new Chunk(0, 2048)));
    observe(cost, List.of(new Chunk(2048, 900)));
    observe(cost, decodes(1, 3000));
    observe(cost, decodes(16, 8000));
    for (int i = 0; i < 8; i++) {
      observe(cost, random(random));
    }
    return cost;
  }

  @Test
  void decodesDoNotMakeItForgetPrefills() {
    StepCost cost = newCost();
    observe(cost, List.of(new Chunk(0, 2048)));
    observe(cost, List.of(new Chunk(2048, 1000)));
    for (int i = 0; i < 1000; i++) {
      observe(cost, decodes(8, 3000 + i));
    }
    assertThat(error(cost, decodes(8, 4000))).isCloseTo(0, within(0.01));
    assertThat(error(cost, List.of(new Chunk(3000, 1500)))).isCloseTo(0, within(0.05));
  }
}
