package dev.kappa.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kappa.device.DType;
import dev.kappa.device.Dequantizer;
import dev.kappa.device.Device;
import dev.kappa.device.Devices;
import dev.kappa.engine.EngineEquivalenceTest.Job;
import dev.kappa.engine.EngineEquivalenceTest.Result;
import dev.kappa.gguf.GgufWriter;
import dev.kappa.model.Checkpoint;
import dev.kappa.model.Fixtures;
import dev.kappa.model.LoadFormat;
import dev.kappa.model.ModelDirectory;
import dev.kappa.model.RopeScaling;
import dev.kappa.model.TransformerWeights;
import dev.kappa.model.WeightLoader;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.FieldSource;
import tools.jackson.databind.ObjectMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * The same weights as GGUF and as safetensors give the same text and log probabilities, to the bit.
 */
class GgufEquivalenceTest {

  static final List<String> models = Fixtures.GGUF_MODELS;

  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir private Path directory;

  private static void assertSame(Path one, Path other) {
    List<Job> jobs = EngineEquivalenceTest.jobs(new Random(7), 10);
    List<Result> expected = alone(one, jobs);
    assertThat(expected).anyMatch(result -> result.logprobs().size() > 10);
    assertThat(alone(other, jobs)).isEqualTo(expected);
  }

  private static List<Result> alone(Path model, List<Job> jobs) {
    Device device = Devices.open("cpu", 2).device();
    return EngineEquivalenceTest.alone(device, model, DType.F32, jobs);
  }

  @ParameterizedTest
  @CsvSource({"llama-f16.gguf,llama-mha-f16", "llama-bf16.gguf,llama-linear-tiny"})
  void elementsOfOneTypeAreThoseOfTheOriginal(String gguf, String original) {
    assertSame(Fixtures.model(gguf), Fixtures.model(original));
  }

  @ParameterizedTest
  @FieldSource("models")
  void blocksAreTheValuesThatTheyStandFor(String name) throws IOException {
    Path file = Fixtures.model(name);
    writeValues(ModelDirectory.open(file));
    assertSame(file, directory);
  }

  /** A checkpoint of 32-bit floats. */
  private void writeValues(ModelDirectory model) throws IOException {
    ObjectNode config =
        (ObjectNode) JSON.readTree(Fixtures.beside(model.path(), "config.json").toFile());
    if (model.config().attention().rope().scaling() instanceof RopeScaling.LongRope factors) {
      // The factors on rotation are rounded: the formula behind them gives other bits.
      ObjectNode rope = (ObjectNode) config.get("rope_parameters");
      rope.put("rope_type", "longrope").put("attention_factor", 1);
      rope.put("original_max_position_embeddings", model.config().maxPositions());
      for (String key : List.of("short_factor", "long_factor")) {
        factors.shortFactors().forEach(rope.withArray(key)::add);
      }
    }
    Files.writeString(directory.resolve("config.json"), config.toString());
    ObjectNode header = JSON.createObjectNode();
    ByteArrayOutputStream data = new ByteArrayOutputStream();
    try (Checkpoint checkpoint = model.checkpoint(LoadFormat.STORED, 0);
        Arena arena = Arena.ofConfined()) {
      for (String name : checkpoint.names()) {
        Checkpoint.Tensor tensor = checkpoint.tensor(name, arena);
        ObjectNode entry = header.putObject(name).put("dtype", "F32");
        tensor.shape().forEach(entry.withArray("shape")::add);
        entry.withArray("data_offsets").add(data.size());
        data.writeBytes(values(tensor));
        entry.withArray("data_offsets").add(data.size());
      }
    }
    byte[] json = header.toString().getBytes(StandardCharsets.UTF_8);
    ByteArrayOutputStream file = new ByteArrayOutputStream();
    file.writeBytes(GgufWriter.longs(json.length));
    file.writeBytes(json);
    data.writeTo(file);
    Files.write(directory.resolve("model.safetensors"), file.toByteArray());
  }

  private static byte[] values(Checkpoint.Tensor tensor) {
    int count = Math.toIntExact(tensor.shape().stream().reduce(1L, Math::multiplyExact));
    float[] values = new float[count];
    Dequantizer.toFloats(tensor.encoding(), tensor.data(), 0, count, values);
    ByteBuffer bytes = ByteBuffer.allocate(4 * count).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asFloatBuffer().put(values);
    return bytes.array();
  }

  /** A model of 32-bit floats, brought into a GGUF file here. */
  @Test
  void floatsAreThoseOfTheOriginal() {
    Path original = Fixtures.model("llama-tiny");
    GgufWriter writer =
        new GgufWriter()
            .text("general.architecture", "llama")
            .uint32("llama.context_length", 512)
            .uint32("llama.embedding_length", 64)
            .uint32("llama.block_count", 2)
            .uint32("llama.feed_forward_length", 96)
            .uint32("llama.attention.head_count", 4)
            .uint32("llama.attention.head_count_kv", 2)
            .float32("llama.attention.layer_norm_rms_epsilon", 1e-5f);
    ModelDirectory model = ModelDirectory.open(original);
    try (Checkpoint checkpoint = model.checkpoint(LoadFormat.STORED, 0);
        Arena arena = Arena.ofConfined()) {
      for (String name : checkpoint.names()) {
        Checkpoint.Tensor tensor = checkpoint.tensor(name, arena);
        byte[] bytes = tensor.data().toArray(ValueLayout.JAVA_BYTE);
        String ggufName =
            name.replace("model.layers.", "blk.")
                .replace("model.embed_tokens", "token_embd")
                .replace("model.norm", "output_norm")
                .replace("lm_head", "output")
                .replace("input_layernorm", "attn_norm")
                .replace("post_attention_layernorm", "ffn_norm")
                .replace("self_attn.o_proj", "attn_output")
                .replaceFirst("self_attn\\.([qkv])_proj", "attn_$1")
                .replaceFirst("mlp\\.(gate|up|down)_proj", "ffn_$1");
        int heads = name.contains("q_proj") ? 4 : name.contains("k_proj") ? 2 : 0;
        long[] shape = tensor.shape().stream().mapToLong(Long::longValue).toArray();
        writer.tensor(ggufName, 0, heads > 0 ? interleaved(bytes, heads) : bytes, shape);
      }
    }
    assertSame(writer.write(directory.resolve("model.gguf")), original);
  }

  /** Rows of 64 floats, 16 to a head, the first half's and the second's taking turns. */
  private static byte[] interleaved(byte[] rows, int heads) {
    int rowBytes = 4 * 64;
    byte[] result = new byte[rows.length];
    int to = 0;
    for (int head = 0; head < heads; head++) {
      for (int i = 0; i < 8; i++) {
        for (int half = 0; half < 2; half++) {
          int from = (head * 16 + half * 8 + i) * rowBytes;
          System.arraycopy(rows, from, result, to, rowBytes);
          to += rowBytes;
        }
      }
    }
    return result;
  }

  /** Weights stay as small as the file; only panels that are not full are filled up. */
  @ParameterizedTest
  @FieldSource("models")
  void staysQuantizedInMemory(String name) {
    ModelDirectory model = ModelDirectory.open(Fixtures.model(name));
    AtomicLong loaded = new AtomicLong();
    try (Device device = Devices.open("cpu", 2).device();
        Checkpoint checkpoint = model.checkpoint(LoadFormat.STORED, 0);
        TransformerWeights weights =
            WeightLoader.load(model.config(), checkpoint, device, 1, loaded::addAndGet)) {
      assertThat(loaded.get()).isEqualTo(model.weights().bytes());
      double share = (double) device.allocatedBytes() / loaded.get();
      assertThat(share).as("%d layers", weights.layers().size()).isBetween(1.0, 1.03);
    }
  }
}
