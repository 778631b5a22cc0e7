package dev.kappa.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.kappa.device.Device;
import dev.kappa.device.DeviceOptions;
import dev.kappa.device.Devices;
import dev.kappa.device.virtual.VirtualDevice;
import dev.kappa.device.virtual.VirtualModels;
import dev.kappa.kv.KvStats;
import dev.kappa.kv.RestoreMode;
import dev.kappa.text.NumericTokenizer;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** What an engine's trace shows. */
@Timeout(300)
class TraceTest {

  private static final int LAYERS = 32;

  @TempDir Path folder;

  /** A prompt of which 8,000 tokens come back from host memory; then its account. */
  private Finish restoreInVirtualTime(Path trace, int cached, int computed) {
    VirtualDevice device = new VirtualDevice(VirtualEngine.machine(5e14, 10e9), 1);
    try (device;
        Engine engine =
            Engine.builder(VirtualModels.write(folder, VirtualEngine.LLAMA_8B, 1 << 17))
                .options(
                    VirtualEngine.options()
                        .dummyWeights(true)
                        .layerGroups(8)
                        .restore(RestoreMode.LOAD)
                        .build())
                .tokenizer(new NumericTokenizer(VirtualEngine.LLAMA_8B.vocabulary()))
                .trace(trace)
                .start(device)) {
      int[] prefix = VirtualEngine.prompt(1, cached);
      submit(engine, prefix);
      device.run();
      engine.clearCache(true, false);
      device.run();
      Collected restored = submit(engine, VirtualEngine.extend(prefix, 2, computed));
      device.run();
      KvStats kv = engine.stats().kv();
      assertThat(kv.loads().bytes()).isPositive();
      engine.close();
      TracedFile traced = TracedFile.read(trace);
      assertThat(traced.bytes("load")).isEqualTo(kv.loads().bytes());
      assertThat(traced.bytes("store")).isEqualTo(kv.stores().bytes());
      assertThat(traced.track("steps")).hasSize((int) engine.stats().steps());
      return restored.finish();
    }
  }

  private static Collected submit(Engine engine, int[] prompt) {
    return Collected.submit(engine, new GenerationRequest("same", prompt, TestEngine.greedy(3)));
  }

  @Test
  void aLoadIsSeenBesideTheLayersThatItFeeds() {
    Path file = folder.resolve("trace.json");
    Finish finish = restoreInVirtualTime(file, 8000, 1000);
    TracedFile traced = TracedFile.read(file);

    // The last steps: a prompt's and two decodes'.
    List<TracedFile.Span> steps = traced.track("steps");
    TracedFile.Span prompt = steps.get(steps.size() - 3);
    assertThat(prompt.figures().get("tokens").intValue()).isEqualTo(1000);
    assertThat(prompt.figures().get("loads").intValue()).isEqualTo(1);

    List<TracedFile.Span> parts =
        traced.track("compute").stream()
            .filter(part -> part.start() >= prompt.start() && part.end() <= prompt.end())
            .toList();
    assertThat(parts).filteredOn(part -> part.name().startsWith("layer ")).hasSize(LAYERS);
    assertThat(parts.getFirst().name()).isEqualTo("embedding");
    assertThat(parts.getLast().name()).isEqualTo("logits");

    double waited =
        parts.stream()
            .filter(part -> part.name().equals("wait for a load"))
            .mapToDouble(TracedFile.Span::millis)
            .sum();
    assertThat(waited).isCloseTo(finish.restored().stallNanos() / 1e6, within(1e-6));
    assertThat(prompt.figures().get("stall_ms").doubleValue()).isCloseTo(waited, within(1e-6));

    double together = 0;
    for (TracedFile.Span copy : traced.track("load")) {
      for (TracedFile.Span part : parts) {
        boolean layer = part.name().startsWith("layer ");
        double both = Math.min(copy.end(), part.end()) - Math.max(copy.start(), part.start());
        together += layer ? Math.max(0, both) / 1e3 : 0;
      }
    }
    double account = finish.account().overlapNanos() / 1e6;
    assertThat(account).isPositive();
    assertThat(together).as("copies beside layers, in ms").isBetween(0.8 * account, account + 0.1);
  }

  @Test
  void requestsAreSeenFromTheirComingToTheirEnd() {
    Path file = folder.resolve("trace.json");
    Finish finish = restoreInVirtualTime(file, 8000, 1000);
    TracedFile traced = TracedFile.read(file);
    List<JsonNode> ends = traced.ends("request same");
    assertThat(ends).hasSize(2);
    assertThat(ends.getLast().at("/args/host_tokens").intValue())
        .isEqualTo(finish.usage().hostTokens());
    assertThat(ends.getLast().at("/args/first_token_ms").doubleValue())
        .isCloseTo(finish.timings().firstToken() / 1e6, within(1e-9));
    assertThat(ends.getFirst().get("id")).isNotEqualTo(ends.getLast().get("id"));
    for (String phase : List.of("waiting", "prompt", "output")) {
      assertThat(traced.ends(phase)).hasSize(2);
    }
    double lastCopy = traced.track("load").getLast().end();
    assertThat(traced.ends("load").getFirst().get("ts").doubleValue())
        .isCloseTo(lastCopy, within(1.0));
  }

  /** Contexts that the device cannot hold are read by a stream of their own. */
  @Test
  void readingInPlaceIsSeen() {
    Path file = folder.resolve("trace.json");
    EngineOptions options =
        VirtualEngine.options().dummyWeights(true).numBlocks(512).maxModelLength(20_000).build();
    VirtualDevice device = new VirtualDevice(VirtualEngine.machine(5e14, 57e9), 1);
    long bytes;
    try (device;
        Engine engine =
            Engine.builder(VirtualModels.write(folder, VirtualEngine.LLAMA_8B, 1 << 17))
                .options(options)
                .tokenizer(new NumericTokenizer(VirtualEngine.LLAMA_8B.vocabulary()))
                .trace(file)
                .start(device)) {
      submit(engine, VirtualEngine.prompt(1, 16_000));
      device.run();
      bytes = engine.stats().kv().loads().bytes();
    }
    TracedFile traced = TracedFile.read(file);
    assertThat(bytes).isPositive();
    assertThat(traced.bytes("stream-in") + traced.bytes("load")).isEqualTo(bytes);
    assertThat(traced.track("long steps")).isNotEmpty();
    assertThat(traced.track("long", "logits")).isNotEmpty();
  }

  /** Real threads and a real clock; many requests at once over a throttled link. */
  @Test
  void theCpuDeviceIsTracedToo() {
    Path file = folder.resolve("trace.json");
    Path model = TestEngine.tinyModel("llama-tiny");
    EngineOptions options =
        EngineOptions.builder()
            .numBlocks(24)
            .blockTokens(16)
            .maxSequences(4)
            .maxBatchedTokens(64)
            .maxModelLength(200)
            .hostBytes(8 << 20)
            .restore(RestoreMode.LOAD)
            .checkKv(true)
            .build();
    Random random = new Random(1);
    Device device = Devices.open("cpu", new DeviceOptions(0, 2, 20_000_000, false)).device();
    KvStats kv;
    long steps;
    try (device;
        Engine engine =
            Engine.builder(model)
                .options(options)
                .tokenizer(new NumericTokenizer(4096))
                .trace(file)
                .start(device)) {
      int vocabulary = engine.info().model().vocabularySize();
      int[] first = TestEngine.randomPrompt(random, 160, vocabulary);
      int[] second = TestEngine.randomPrompt(random, 160, vocabulary);
      for (int round = 0; round < 4; round++) {
        List<Collected> all = List.of(submit(engine, first), submit(engine, second));
        all.forEach(Collected::finish);
        // What was asked before this is in the books once it is done.
        engine.clearCache(false, false).join();
        while (engine.stats().kv().host().used() > 0) {
          Thread.onSpinWait();
        }
        engine.clearCache(true, false).join();
      }
      kv = engine.stats().kv();
      steps = engine.stats().steps();
    }
    TracedFile traced = TracedFile.read(file);
    assertThat(kv.loads().bytes()).isPositive();
    assertThat(traced.bytes("load")).isEqualTo(kv.loads().bytes());
    assertThat(traced.bytes("store")).isEqualTo(kv.stores().bytes());
    assertThat(traced.track("steps")).hasSize((int) steps);
    assertThat(traced.track("compute", "layer 1").size()).isEqualTo((int) steps);
    assertThat(traced.ends("request ")).hasSize(8);
  }

  @Test
  void aTraceThatCannotBeWrittenIsRefused() {
    Path file = folder.resolve("none").resolve("trace.json");
    try (VirtualDevice device = new VirtualDevice(VirtualEngine.H100, 1)) {
      Engine.Builder builder =
          Engine.builder(VirtualModels.write(folder, VirtualEngine.LLAMA_8B, 1024)).trace(file);
      assertThatThrownBy(() -> builder.start(device))
          .isInstanceOf(EngineException.class)
          .hasMessageContaining("cannot write the trace");
      assertThat(device.allocatedBytes()).isZero();
    }
  }
}
