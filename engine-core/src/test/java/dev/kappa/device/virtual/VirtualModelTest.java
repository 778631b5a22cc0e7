package dev.kappa.device.virtual;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.kappa.device.Batch;
import dev.kappa.device.DType;
import dev.kappa.device.DeviceMemory;
import dev.kappa.device.KvLayer;
import dev.kappa.device.LayerKv;
import dev.kappa.device.Stream;
import dev.kappa.engine.Engine;
import dev.kappa.engine.EngineOptions;
import dev.kappa.kv.KvLayout;
import dev.kappa.model.Checkpoint;
import dev.kappa.model.LoadFormat;
import dev.kappa.model.ModelConfig;
import dev.kappa.model.ModelDirectory;
import dev.kappa.model.Transformer;
import dev.kappa.model.TransformerWeights;
import dev.kappa.model.WeightLoader;
import dev.kappa.roofline.HardwareProfile;
import dev.kappa.roofline.ModelShape;
import dev.kappa.text.NumericTokenizer;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The real forward pass of Llama-3.1-8B in virtual time. */
class VirtualModelTest {

  private static final ModelShape LLAMA = VirtualModels.llama8B();
  private static final double FLOPS = 5e14;
  private static final double MEMORY = 3e12;

  @TempDir Path folder;

  private static HardwareProfile hardware(double flops, double memory) {
    return new HardwareProfile("test", flops, 57e9, 57e9, memory, 0, 0);
  }

  /** Nanoseconds of one step of a single sequence, logits of its last token included. */
  private long step(HardwareProfile hardware, int first, int count) {
    ModelDirectory model =
        ModelDirectory.open(VirtualModels.write(folder.resolve("model"), LLAMA, 8192));
    ModelConfig config = model.config();
    assertThat(config.parameters()).isEqualTo(LLAMA.activeParameters());
    VirtualDevice device = new VirtualDevice(hardware, 1);
    KvLayout layout = new KvLayout(32, 8, 128, 16, DType.BF16);
    int blocks = layout.blocksFor(first + count);
    try (device;
        Checkpoint checkpoint = model.checkpoint(LoadFormat.DUMMY, 1);
        TransformerWeights weights =
            WeightLoader.load(config, checkpoint, device, 8192, bytes -> {});
        Transformer transformer = new Transformer(config, weights, device, count);
        DeviceMemory pool = device.allocate(blocks * layout.blockBytes());
        DeviceMemory logits = device.allocate(4L * LLAMA.vocabulary());
        Batch batch = new Batch(device, count, 1, blocks);
        Stream stream = device.newStream("compute")) {
      batch.clear();
      batch.beginSequence(first + count);
      for (int i = 0; i < count; i++) {
        batch.addRow(0, first + i);
      }
      batch.markOutput();
      KvLayer[] layers = new KvLayer[32];
      for (int i = 0; i < layers.length; i++) {
        layers[i] = layout.layer(pool, i);
      }
      LayerKv kv = layer -> layers[layer];
      Transformer.Pass pass = transformer.pass(stream, batch, kv);
      while (pass.next()) {}
      transformer.logits(stream, 0, 1, logits);
      stream.synchronize();
      return device.clock().nanos();
    }
  }

  /** Elements of all matrices of a layer, and those that only wanted rows of the last one need. */
  private static final double LAYER = 4096.0 * 128 * (64 + 16) + 3.0 * 4096 * 14336;

  private static final double LAST = 4096.0 * 4096 + 3.0 * 4096 * 14336;
  private static final double HEAD = 4096.0 * 128256;

  @Test
  void prefillTakesTheFlopsOfTheRoofline() {
    long found = step(hardware(FLOPS, Double.POSITIVE_INFINITY), 6000, 2000);
    double matrices = 2 * (2000 * 32 * LAYER - 1999 * LAST + HEAD);
    // Each row sees itself, too: half a token more than the mean of an integral.
    double attention = 524_288 * 2000.0 * (6000 + 1000 + 0.5);
    assertThat((double) found).isCloseTo((matrices + attention) / FLOPS * 1e9, within(500.0));
    // P counts both embeddings for every token; all else agrees.
    assertThat(found / (LLAMA.flops(2000, 6000) / FLOPS * 1e9)).isBetween(0.85, 1.0);
  }

  @Test
  void decodeTakesTheBytesOfWeightsAndKv() {
    long found = step(hardware(FLOPS, MEMORY), 7999, 1);
    double bytes = 2 * (32 * LAYER + HEAD) + 8000 * 131_072.0;
    assertThat(found / (bytes / MEMORY * 1e9)).isBetween(1.0, 1.01);
  }

  @Test
  void startsAndClosesAnEngine() {
    VirtualModels.write(folder, LLAMA, 8192);
    VirtualDevice device = new VirtualDevice(hardware(FLOPS, MEMORY), 1);
    EngineOptions options = EngineOptions.builder().dummyWeights(true).build();
    try (device;
        Engine engine =
            Engine.builder(folder)
                .options(options)
                .tokenizer(new NumericTokenizer(LLAMA.vocabulary()))
                .start(device)) {
      assertThat(engine.info().kvBytesPerToken()).isEqualTo(131_072);
      assertThat(device.freeBytes()).as("16 GB of weights and a share for KV").isLessThan(8L << 30);
    }
    assertThat(device.allocatedBytes()).isZero();
  }
}
