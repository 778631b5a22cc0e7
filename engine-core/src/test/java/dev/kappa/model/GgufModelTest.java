package dev.kappa.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.kappa.device.DType;
import dev.kappa.device.Encoding;
import dev.kappa.gguf.GgufWriter;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.FieldSource;

class GgufModelTest {

  static final List<String> models = Fixtures.GGUF_MODELS;

  @TempDir private Path directory;

  /** The same as from config.json, but for what GGUF says in another way. */
  @ParameterizedTest
  @FieldSource("models")
  void readsTheConfigurationThatTransformersWrote(String name) {
    Path file = Fixtures.model(name);
    ModelConfig config = ModelDirectory.open(file).config();
    ModelConfig expected = ModelConfigReader.read(Fixtures.beside(file, "config.json"));
    assertThat(config.dtype()).isEqualTo(DType.BF16);
    assertThat(config)
        .usingRecursiveComparison()
        .ignoringFields("dtype", "attention.rope.scaling")
        .isEqualTo(expected);
    float[] rotation = frequencies(config);
    float[] expectedRotation = frequencies(expected);
    for (int i = 0; i < rotation.length; i++) {
      assertThat(rotation[i]).isCloseTo(expectedRotation[i], within(2e-7f * rotation[i]));
    }
  }

  private static float[] frequencies(ModelConfig config) {
    return RopeFrequencies.of(config.attention().rope(), config.headDim(), 512).inverse();
  }

  @Test
  void takesItsTypeFromMostElements() {
    assertThat(Fixtures.open("llama-f16.gguf").config().dtype()).isEqualTo(DType.F16);
    assertThat(Fixtures.open("llama-bf16.gguf").config().dtype()).isEqualTo(DType.BF16);
  }

  @Test
  void readsWhatTheAuthorsRecommend() {
    GenerationDefaults defaults = Fixtures.open("qwen2-q4_0.gguf").generation();
    assertThat(defaults.eosTokens()).containsExactly(504);
    assertThat(defaults.bosToken()).isEqualTo(1);
    assertThat(defaults.temperature()).isEqualTo(0.5);
    assertThat(defaults.topK()).isEqualTo(40);
    assertThat(defaults.topP()).isNull();
  }

  @ParameterizedTest
  @CsvSource({"-1, 0", "0, 0", "20, 20"})
  void takesATopKOfMinusOneAsNoLimit(int written, int read) {
    GgufWriter writer = llama().int32("general.sampling.top_k", written);
    assertThat(open(writer).generation().topK()).isEqualTo(read);
  }

  @Test
  void everythingThatEndsATurnEndsAGeneration() {
    ModelDirectory model =
        open(
            llama()
                .uint32("tokenizer.ggml.eos_token_id", 5)
                .uint32("tokenizer.ggml.eot_token_id", 6)
                .uint32("tokenizer.ggml.eom_token_id", 5));
    assertThat(model.generation().eosTokens()).containsExactly(5, 6);
  }

  @Test
  void hasTheSizesOfItsTensors() throws IOException {
    Path file = Fixtures.model("llama-q4_k.gguf");
    WeightSizes sizes = ModelDirectory.open(file).weights();
    assertThat(sizes.elements().keySet())
        .containsExactlyInAnyOrder(Encoding.F32, Encoding.Q8_0, Encoding.Q4_K, Encoding.Q6_K);
    assertThat(sizes.elements().get(Encoding.Q8_0)).isEqualTo(256L * 64);
    // All but header, padding and factors on rotation.
    assertThat(sizes.bytes()).isBetween(Files.size(file) - 3_000, Files.size(file));
    assertThat(sizes.bytes(_ -> Encoding.BF16))
        .isEqualTo(2 * ModelDirectory.open(file).config().parameters());
    assertThat(ModelShapes.read(file).totalWeightBytes()).isEqualTo(sizes.bytes());
    assertThat(ModelShapes.read(file).shape().kv().toString()).isEqualTo("BF16");
  }

  @Test
  void aDirectoryWithOneFileStandsForIt() throws IOException {
    Path file = Files.copy(Fixtures.model("llama-q4_k.gguf"), directory.resolve("my-model.gguf"));
    ModelDirectory model = ModelDirectory.open(directory);
    assertThat(model.path()).isEqualTo(file);
    assertThat(model.name()).isEqualTo("my-model");
    assertThat(model.isGguf()).isTrue();
    assertThat(model.tokenizer()).isNull();
    assertThat(ModelShapes.read(directory).name()).isEqualTo("my-model");
    Files.copy(file, directory.resolve("other.gguf"));
    assertThatThrownBy(() -> ModelDirectory.open(directory))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("has no config.json");
    Path complete = Fixtures.model("qwen2-q4_0.gguf");
    assertThat(ModelDirectory.open(complete).tokenizer()).isEqualTo(complete);
  }

  @Test
  void fingerprintsDependOnTheBytes() throws IOException {
    byte[] bytes = Files.readAllBytes(Fixtures.model("llama-q4_k.gguf"));
    String before = fingerprint(bytes);
    assertThat(fingerprint(bytes)).isEqualTo(before);
    bytes[bytes.length - 1] ^= 1;
    assertThat(fingerprint(bytes)).isNotEqualTo(before);
  }

  private String fingerprint(byte[] bytes) {
    Path file = GgufWriter.write(directory.resolve("model.gguf"), bytes);
    try (Checkpoint checkpoint = GgufCheckpoint.open(file)) {
      return checkpoint.fingerprint();
    }
  }

  /** The least that is a model. */
  private static GgufWriter llama() {
    return head("llama").tensor("token_embd.weight", 0, new byte[4 * 10 * 8], 10, 8);
  }

  private static GgufWriter head(String architecture) {
    String prefix = architecture + ".";
    return new GgufWriter()
        .text("general.architecture", architecture)
        .uint32(prefix + "context_length", 64)
        .uint32(prefix + "embedding_length", 8)
        .uint32(prefix + "block_count", 2)
        .uint32(prefix + "feed_forward_length", 16)
        .uint32(prefix + "attention.head_count", 2)
        .float32(prefix + "attention.layer_norm_rms_epsilon", 1e-5f);
  }

  private ModelDirectory open(GgufWriter writer) {
    return ModelDirectory.open(writer.write(directory.resolve("model.gguf")));
  }

  private void assertRefused(UnaryOperator<GgufWriter> change, String... messages) {
    assertRefused(change.apply(llama()), messages);
  }

  private void assertRefused(GgufWriter writer, String... messages) {
    var thrown =
        assertThatThrownBy(() -> open(writer))
            .isInstanceOf(ModelException.class)
            .hasMessageContaining(directory.resolve("model.gguf") + ": ");
    for (String message : messages) {
      thrown.hasMessageContaining(message);
    }
  }

  @Test
  void hasLlamaCppsDefaults() {
    ModelConfig config = open(llama()).config();
    assertThat(config.architecture()).isEqualTo("LlamaForCausalLM");
    assertThat(config.kvHeads()).isEqualTo(2);
    assertThat(config.headDim()).isEqualTo(4);
    assertThat(config.vocabularySize()).isEqualTo(10);
    assertThat(config.tiedEmbeddings()).isTrue();
    assertThat(config.attention().rope()).isEqualTo(new RopeConfig(10_000, null));
    assertThat(config.dtype()).isEqualTo(DType.F32);
  }

  @Test
  void readsScalingsOfRotation() {
    assertThat(scaling(llama().float32("llama.rope.scale_linear", 4)))
        .isEqualTo(new RopeScaling.Linear(4));
    assertThat(
            scaling(
                llama()
                    .text("llama.rope.scaling.type", "yarn")
                    .float32("llama.rope.scaling.factor", 4)
                    .uint32("llama.rope.scaling.original_context_length", 16)))
        .isEqualTo(new RopeScaling.Yarn(4, 16, 32, 1, true, 0.1 * Math.log(4) + 1));
    assertThat(scaling(llama().text("llama.rope.scaling.type", "none"))).isNull();
    GgufWriter factors =
        llama().tensor("rope_freqs.weight", 0, GgufWriter.ints(bits(1), bits(2.5f)), 2);
    assertThat(scaling(factors))
        .isEqualTo(new RopeScaling.LongRope(List.of(1.0, 2.5), List.of(1.0, 2.5), 64, 1));
    assertRefused(factors.float32("llama.rope.scale_linear", 4), "scale_linear", "rope_freqs");
    assertRefused(
        llama().tensor("rope_freqs.weight", 0, GgufWriter.ints(bits(1), bits(0)), 2), "positive");
    assertRefused(w -> w.tensor("rope_freqs.weight", 0, new byte[4], 1), "rope_freqs", "2 numbers");
    assertRefused(
        w -> w.text("llama.rope.scaling.type", "longrope"), "\"none\", \"linear\" or \"yarn\"");
  }

  private static int bits(float value) {
    return Float.floatToRawIntBits(value);
  }

  private @Nullable RopeScaling scaling(GgufWriter writer) {
    return open(writer).config().attention().rope().scaling();
  }

  @Test
  void refusesWhatItWouldComputeWrongly() {
    assertRefused(head("gemma2"), "general.architecture", "\"gemma2\"", "\"qwen3\"");
    assertRefused(head("llama"), "token_embd.weight");
    assertRefused(w -> w.uint32("llama.expert_count", 8), "expert_count", "is 8", "mixtures");
    assertRefused(w -> w.text("general.type", "adapter"), "general.type", "\"model\"");
    assertRefused(w -> w.flag("llama.attention.causal", false), "only causal");
    assertRefused(w -> w.uint32("llama.attention.sliding_window", 32), "sliding_window");
    assertRefused(w -> w.float32("llama.logit_scale", 2), "logit_scale");
    assertRefused(w -> w.uint32("llama.attention.head_count_kv", 3), "head_count_kv");
    assertRefused(w -> w.uint32("llama.attention.value_length", 2), "value_length", "expected 4");
    assertRefused(w -> w.uint32("llama.rope.dimension_count", 2), "rope.dimension_count");
    assertRefused(w -> w.uint32("llama.attention.key_length", 5), "key_length", "even number");
    assertRefused(w -> w.uint32("split.count", 2), "split.count");
  }

  @Test
  void refusesTensorsThatItDoesNotKnow() {
    assertRefused(
        w -> w.tensor("blk.0.attn_q.bias", 0, new byte[32], 8), "blk.0.attn_q.bias is not part");
    assertRefused(
        w -> w.tensor("blk.0.attn_q.weight", 3, new byte[20 * 8], 8, 32),
        "blk.0.attn_q.weight is of type Q4_1; expected F32, F16, BF16, Q8_0, Q4_0, Q4_K or Q6_K");
    try (Checkpoint checkpoint = open(llama()).checkpoint(LoadFormat.STORED, 0);
        Arena arena = Arena.ofConfined()) {
      assertThat(checkpoint.names()).containsExactly("model.embed_tokens.weight");
      assertThatThrownBy(() -> checkpoint.tensor("model.layers.1.mlp.up_proj.weight", arena))
          .isInstanceOf(ModelException.class)
          .hasMessageContaining("model.gguf: has no tensor blk.1.ffn_up.weight");
    }
  }
}
