package dev.kappa.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kappa.device.Activation;
import dev.kappa.device.AttentionShape;
import dev.kappa.device.DType;
import dev.kappa.device.Router;
import dev.kappa.model.RopeScaling.Llama3;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ModelConfigReaderTest {

  private static final String LLAMA_3_1_8B =
      """
      {"architectures": ["LlamaForCausalLM"], "attention_bias": false,
       "eos_token_id": [128001, 128008, 128009], "bos_token_id": 128000,
       "hidden_act": "silu", "hidden_size": 4096, "intermediate_size": 14336,
       "max_position_embeddings": 131072, "mlp_bias": false, "num_attention_heads": 32,
       "num_hidden_layers": 32, "num_key_value_heads": 8, "pretraining_tp": 1,
       "rms_norm_eps": 1e-05,
       "rope_scaling": {"factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
         "original_max_position_embeddings": 8192, "rope_type": "llama3"},
       "rope_theta": 500000.0, "tie_word_embeddings": false, "torch_dtype": "bfloat16",
       "vocab_size": 128256}
      """;

  private static final String LLAMA_2_7B =
      """
      {"architectures": ["LlamaForCausalLM"], "hidden_size": 4096, "intermediate_size": 11008,
       "max_position_embeddings": 4096, "num_attention_heads": 32, "num_hidden_layers": 32,
       "rms_norm_eps": 1e-05, "rope_scaling": null, "torch_dtype": "float16",
       "vocab_size": 32000}
      """;

  private static final String QWEN3_8B =
      """
      {"architectures": ["Qwen3ForCausalLM"], "attention_bias": false, "head_dim": 128,
       "hidden_act": "silu", "hidden_size": 4096, "intermediate_size": 12288,
       "max_position_embeddings": 40960, "max_window_layers": 36, "num_attention_heads": 32,
       "num_hidden_layers": 36, "num_key_value_heads": 8, "rms_norm_eps": 1e-06,
       "rope_scaling": null, "rope_theta": 1000000, "sliding_window": null,
       "tie_word_embeddings": false, "torch_dtype": "bfloat16", "use_sliding_window": false,
       "vocab_size": 151936}
      """;

  private static final String SMALL =
      """
      {"architectures": ["LlamaForCausalLM"], "hidden_size": 64, "intermediate_size": 96,
       "max_position_embeddings": 512, "num_attention_heads": 4, "num_hidden_layers": 2,
       "vocab_size": 256}
      """;

  @TempDir private Path directory;

  @Test
  void readsLlama31() {
    ModelConfig config = read(LLAMA_3_1_8B);

    assertThat(config)
        .isEqualTo(
            new ModelConfig(
                "LlamaForCausalLM",
                4096,
                14336,
                32,
                128256,
                131072,
                1e-5f,
                new AttentionConfig(32, 8, 128, new RopeConfig(500000, new Llama3(8, 1, 4, 8192))),
                false,
                DType.BF16));
    assertThat(config.parameters()).as("as published").isEqualTo(8_030_261_248L);
  }

  @Test
  void fillsInWhatLlama2LeavesOut() {
    ModelConfig config = read(LLAMA_2_7B);

    assertThat(config.kvHeads()).isEqualTo(32);
    assertThat(config.headDim()).isEqualTo(128);
    assertThat(config.attention().rope()).isEqualTo(new RopeConfig(10_000, null));
    assertThat(config.dtype()).isEqualTo(DType.F16);
    assertThat(config.parameters()).as("as published").isEqualTo(6_738_415_616L);
  }

  @Test
  void readsQwen3() {
    ModelConfig config = read(QWEN3_8B);

    assertThat(config.attention().rope()).isEqualTo(new RopeConfig(1_000_000, null));
    assertThat(config.normEpsilon()).isEqualTo(1e-6f);
    assertThat(config.parameters()).as("as published").isEqualTo(8_190_735_360L);
  }

  @Test
  void takesQwen3sOwnDefaultForHeadDim() {
    assertThat(read(SMALL.replace("Llama", "Qwen3")).headDim()).isEqualTo(128);
  }

  @Test
  void readsRopeParametersOfTransformers5() {
    String rope =
        """
        {"rope_type": "llama3", "rope_theta": 500000.0, "factor": 32.0, "low_freq_factor": 1.0,
         "high_freq_factor": 4.0, "original_max_position_embeddings": 8192}
        """;

    assertThat(read(with(SMALL, "rope_parameters", rope)).attention().rope())
        .isEqualTo(new RopeConfig(500000, new Llama3(32, 1, 4, 8192)));
    assertThat(
            read(with(SMALL, "rope_parameters", "{\"rope_type\":\"default\",\"rope_theta\":7.5e5}"))
                .attention()
                .rope())
        .isEqualTo(new RopeConfig(750000, null));
  }

  @Test
  void takesMaxPositionsForMissingOriginalPositions() {
    String rope =
        """
        {"type": "llama3", "factor": 2, "low_freq_factor": 1, "high_freq_factor": 4}
        """;

    assertThat(read(with(SMALL, "rope_scaling", rope)).attention().rope().scaling())
        .isEqualTo(new Llama3(2, 1, 4, 512));
  }

  @ParameterizedTest
  @CsvSource({
    "torch_dtype, bfloat16, BF16",
    "dtype, bfloat16, BF16",
    "dtype, float16, F16",
    "dtype, torch.float32, F32"
  })
  void readsOldAndNewDtypeKey(String key, String value, DType expected) {
    assertThat(read(with(SMALL, key, '"' + value + '"')).dtype()).isEqualTo(expected);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "hidden_size",
        "intermediate_size",
        "num_hidden_layers",
        "num_attention_heads",
        "max_position_embeddings",
        "vocab_size",
        "architectures"
      })
  void namesMissingKey(String key) {
    assertRefused(SMALL.replace('"' + key + '"', "\"other\""), '"' + key + "\" is missing");
    assertRefused(with(SMALL, key, "null"), '"' + key + "\" is missing");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "hidden_size | \"64\" | an integer",
        "hidden_size | 64.5 | an integer",
        "hidden_size | 0 | an integer",
        "hidden_size | -64 | an integer",
        "hidden_size | 99999999999 | an integer",
        "hidden_size | [64] | an integer",
        "hidden_size | 66 | a multiple of num_attention_heads",
        "num_hidden_layers | true | an integer",
        "num_key_value_heads | 3 | a divisor of num_attention_heads = 4",
        "num_key_value_heads | 8 | a divisor of num_attention_heads = 4",
        "head_dim | 15 | an even number",
        "head_dim | 1 | an integer",
        "rms_norm_eps | \"1e-5\" | a number",
        "rms_norm_eps | -1 | a number",
        "rms_norm_eps | 1e999 | a number",
        "rope_theta | 0 | a number of at least 1",
        "rope_theta | 1.0E300 | a number of at least 1",
        "tie_word_embeddings | 1 | true or false",
        "architectures | \"LlamaForCausalLM\" | a list of strings",
        "architectures | [\"MambaForCausalLM\"] | LlamaForCausalLM, MistralForCausalLM",
        "architectures | [7] | a list of strings",
        "attention_bias | true | not supported",
        "mlp_bias | true | not supported",
        "hidden_act | \"gelu\" | \"silu\"",
        "attn_logit_softcapping | 50.0 | null",
        "final_logit_softcapping | 30.0 | null",
        "pretraining_tp | 2 | 1",
        "partial_rotary_factor | 0.5 | 1",
        "layer_types | [\"full_attention\",\"sliding_attention\"] | \"full_attention\"",
        "torch_dtype | \"float8_e4m3fn\" | float32, bfloat16 or float16",
        "rope_scaling | 3 | an object",
      })
  void namesFileKeyValueAndExpectation(String key, String value, String expected) {
    assertThatThrownBy(() -> read(with(SMALL, key, value)))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining(directory.resolve("config.json").toString())
        .hasMessageContaining('"' + key + '"')
        .hasMessageContaining(value.replaceFirst("1e999", ""))
        .hasMessageContaining(expected);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{\"rope_type\":\"proportional\",\"factor\":4}"
            + " | \"rope_scaling.rope_type\" is \"proportional\"",
        "{\"type\":\"linear\"} | \"rope_scaling.factor\" is missing",
        "{\"type\":\"yarn\",\"factor\":4,\"beta_fast\":1,\"beta_slow\":2}"
            + " | \"rope_scaling.beta_fast\" is 1",
        "{\"type\":\"longrope\",\"short_factor\":[1,2],\"long_factor\":[1,2]}"
            + " | \"rope_scaling.short_factor\" is [1,2]",
        "{\"type\":\"llama3\",\"low_freq_factor\":1} | \"rope_scaling.factor\" is missing",
        "{\"type\":\"llama3\",\"factor\":8,\"low_freq_factor\":4,\"high_freq_factor\":4}"
            + " | \"rope_scaling.high_freq_factor\" is 4",
        "{\"partial_rotary_factor\":0.25} | \"rope_scaling.partial_rotary_factor\" is 0.25",
        "{\"full_attention\":{\"rope_theta\":5}} | \"rope_scaling.full_attention\"",
      })
  void refusesRopeItCannotCompute(String rope, String expected) {
    assertRefused(with(SMALL, "rope_scaling", rope), expected);
  }

  @Test
  void refusesSlidingWindowOnlyWhereItIsUsed() {
    String window = with(with(SMALL, "sliding_window", "64"), "max_window_layers", "1");

    assertThat(read(with(window, "use_sliding_window", "false")).layers()).isEqualTo(2);
    assertThat(read(with(with(window, "use_sliding_window", "true"), "max_window_layers", "2")))
        .isNotNull();
    assertRefused(with(window, "use_sliding_window", "true"), "sliding windows");
  }

  private static String small(String architecture) {
    return SMALL.replace("Llama", architecture);
  }

  @Test
  void givesMistralItsWindowUnlessThereIsNone() {
    String mistral = small("Mistral");

    assertThat(read(mistral).attention().shape(1).window()).isEqualTo(4096);
    assertThat(read(with(mistral, "sliding_window", "40")).attention().windowed())
        .containsExactly(0, 1);
    AttentionConfig none = read(with(mistral, "sliding_window", "null")).attention();
    assertThat(none.windowed()).isEmpty();
    assertThat(none.shape(0).window()).isEqualTo(AttentionShape.NO_WINDOW);
    assertRefused(
        with(mistral, "layer_types", "[\"sliding_attention\",\"full_attention\"]"), "layer_types");
    assertThat(read(small("Mixtral").replace("{", "{" + EXPERTS)).attention().windowed()).isEmpty();
  }

  private static final String EXPERTS =
      "\"num_local_experts\": 8, \"num_experts_per_tok\": 2, \"moe_intermediate_size\": 48,";

  @Test
  void givesQwensLaterLayersAWindowWhereItIsUsed() {
    String qwen = with(small("Qwen2"), "sliding_window", "40");

    assertThat(read(qwen).attention().windowed()).isEmpty();
    String used = with(qwen, "use_sliding_window", "true");
    assertThat(read(used).attention().windowed()).as("28 layers come first").isEmpty();
    assertThat(read(with(used, "max_window_layers", "1")).attention().windowed())
        .containsExactly(1);
    String types = "[\"sliding_attention\",\"full_attention\"]";
    assertThat(read(with(used, "layer_types", types)).attention().windowed()).containsExactly(0);
    assertRefused(with(qwen, "layer_types", types), "every layer without a window");
    assertRefused(with(used, "layer_types", "[\"full_attention\"]"), "each of 2 layers");
  }

  @Test
  void takesGemmasDefaults() {
    ModelConfig gemma2 = read(small("Gemma2").replace("bfloat16", "float32"));

    assertThat(gemma2.attention())
        .isEqualTo(
            new AttentionConfig(
                4, 4, 256, 1 / 16f, 50, 4096, Set.of(0), new RopeConfig(10_000, null), null, 256));
    assertThat(gemma2.logitSoftcap()).isEqualTo(30);
    assertThat(gemma2.embeddingScale()).isEqualTo(8);
    assertThat(gemma2.tiedEmbeddings()).isTrue();
    assertThat(gemma2.activation()).isEqualTo(Activation.GELU_TANH);
    String unbounded = with(small("Gemma2"), "attn_logit_softcapping", "null");
    assertThat(read(unbounded).attention().softcap()).isZero();
    assertRefused(with(small("Gemma2"), "attn_logit_softcapping", "0"), "a positive number");

    ModelConfig gemma3 = read(small("Gemma3"));
    assertThat(gemma3.attention().windowed()).as("five of six").containsExactly(0, 1);
    assertThat(gemma3.attention().rope(0)).isEqualTo(new RopeConfig(10_000, null));
    assertThat(gemma3.attention().rope()).isEqualTo(new RopeConfig(1_000_000, null));
    assertThat(gemma3.logitSoftcap()).isZero();
    assertRefused(with(small("Gemma3"), "use_bidirectional_attention", "true"), "causal");
    assertRefused(with(small("Gemma3"), "attn_logit_softcapping", "50.0"), "does not bound scores");
  }

  /** Below 4 bits of fraction, as bfloat16 has them between 8 and 16, a root of 80 is 8.9375. */
  @Test
  void roundsTheScaleOfEmbeddingsAsTheCheckpointsTypeDoes() {
    String gemma = with(small("Gemma2"), "hidden_size", "80");

    assertThat(read(gemma).embeddingScale()).isEqualTo((float) Math.sqrt(80));
    assertThat(read(with(gemma, "dtype", "\"bfloat16\"")).embeddingScale()).isEqualTo(8.9375f);
    assertThat(read(with(gemma, "dtype", "\"float16\"")).embeddingScale()).isEqualTo(8.9453125f);
  }

  @Test
  void readsMixturesOfExperts() {
    String moe = small("Qwen3Moe").replace("{", "{" + EXPERTS);

    assertThat(read(moe).experts()).isEqualTo(new Mixture(new Router(8, 2, false), 48, Set.of()));
    assertThat(read(with(moe, "norm_topk_prob", "true")).mixture().router().normalized()).isTrue();
    assertThat(read(with(moe, "mlp_only_layers", "[1]")).mixture().denseLayers())
        .containsExactly(1);
    assertThat(read(with(moe, "decoder_sparse_step", "2")).mixture().denseLayers())
        .containsExactly(0);
    assertThat(read(small("Mixtral").replace("{", "{" + EXPERTS)).experts())
        .isEqualTo(new Mixture(new Router(8, 2, true), 96, Set.of()));
    assertRefused(with(moe, "num_experts_per_tok", "9"), "an integer from 1 to 8");
    assertRefused(small("Mixtral"), "\"num_experts\" is missing");
  }

  @Test
  void readsPhisRotation() {
    String longer =
        """
        {"type": "su", "short_factor": [1, 2, 3], "long_factor": [4, 5, 6]}
        """;
    String phi = with(small("Phi3"), "original_max_position_embeddings", "128");

    ModelConfig part = read(with(phi, "partial_rotary_factor", "0.375"));
    assertThat(part.attention().rotaryDim()).isEqualTo(6);
    String scaled = with(with(phi, "partial_rotary_factor", "0.375"), "rope_scaling", longer);
    RopeScaling.LongRope scaling =
        (RopeScaling.LongRope) Objects.requireNonNull(read(scaled).attention().rope().scaling());
    assertThat(scaling.factors(128)).containsExactly(1.0, 2.0, 3.0);
    assertThat(scaling.factors(129)).containsExactly(4.0, 5.0, 6.0);
    assertThat(scaling.attentionFactor())
        .as("for four times the positions")
        .isEqualTo(Math.sqrt(1 + Math.log(4) / Math.log(128)));
    assertThat(read(scaled).attention().variant(128)).isEmpty();
    assertThat(read(scaled).attention().variant(129)).isNotEmpty();
    assertRefused(with(phi, "partial_rotary_factor", "0.32"), "an even part of the 16 elements");
  }

  @Test
  void allowsLongerContextsWhereRotationIsScaledForThem() {
    String dynamic = with(SMALL, "rope_scaling", "{\"type\":\"dynamic\",\"factor\":4}");
    String yarn = "{\"rope_type\":\"yarn\",\"factor\":4,\"original_max_position_embeddings\":256}";

    assertThat(read(SMALL).longestPositions()).isEqualTo(512);
    assertThat(read(dynamic).longestPositions()).isEqualTo(2048);
    assertThat(read(dynamic).attention().variant(512)).isEmpty();
    assertThat(read(dynamic).attention().variant(600))
        .isNotEmpty()
        .isNotEqualTo(read(dynamic).attention().variant(700));
    assertThat(read(with(SMALL, "rope_scaling", yarn)).longestPositions()).isEqualTo(1024);
    assertThat(read(with(SMALL, "rope_scaling", yarn)).attention().variant(1024)).isEmpty();
  }

  @Test
  void refusesQuantizedWeights() {
    assertRefused(
        with(SMALL, "quantization_config", "{\"quant_method\":\"gptq\",\"bits\":4}"),
        "quantization \"gptq\"");
  }

  @Test
  void saysWhereJsonIsBroken() {
    assertRefused("{\n  \"hidden_size\": 64,\n  \"vocab_size\" 256\n}", "line 3, column 16");
    assertRefused("", "holds nothing");
    assertRefused("[1]", "expected a JSON object");
    assertRefused("{} {}", "broken JSON");
    assertRefused("{\"a\": 1, \"a\": 2}", "broken JSON");
  }

  @Test
  void prefersGenerationConfigForSpecialTokens() {
    JsonObject config = json("config.json", LLAMA_3_1_8B);
    JsonObject generation =
        json(
            "generation_config.json",
            """
            {"eos_token_id": 7, "do_sample": true, "temperature": 0.6, "top_p": 0.9, "top_k": 20,
             "min_p": 0, "repetition_penalty": 1.05, "max_new_tokens": 2048}
            """);

    assertThat(ModelConfigReader.generation(config, generation))
        .isEqualTo(new GenerationDefaults(List.of(7), 128000, true, 0.6, 20, 0.9, 0.0, 1.05, 2048));
    assertThat(ModelConfigReader.generation(config, null))
        .isEqualTo(
            new GenerationDefaults(
                List.of(128001, 128008, 128009), 128000, null, null, null, null, null, null, null));
  }

  @ParameterizedTest
  @CsvSource({"-1, 0", "0, 0", "20, 20"})
  void takesATopKOfMinusOneAsNoLimit(int written, int read) {
    JsonObject config = json("config.json", SMALL);
    JsonObject generation = json("generation_config.json", "{\"top_k\": %d}".formatted(written));

    assertThat(ModelConfigReader.generation(config, generation).topK()).isEqualTo(read);
  }

  @Test
  void refusesATopKBelowMinusOne() {
    JsonObject config = json("config.json", SMALL);
    JsonObject generation = json("generation_config.json", "{\"top_k\": -2}");

    assertThatThrownBy(() -> ModelConfigReader.generation(config, generation))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("generation_config.json: \"top_k\" is -2");
  }

  @Test
  void readsWhatTheFixturesSay() {
    assertThat(Fixtures.open("llama3-rope-tiny").config().attention().rope())
        .isEqualTo(new RopeConfig(500000, new Llama3(8, 1, 4, 32)));
    assertThat(Fixtures.open("llama-mha-f16").config().kvHeads()).isEqualTo(4);
    assertThat(Fixtures.open("llama-mha-f16").config().headDim()).isEqualTo(32);
    assertThat(Fixtures.open("qwen3-tiny").config().dtype()).isEqualTo(DType.BF16);
    assertThat(Fixtures.open("qwen3-tiny").config().attention().rope().theta()).isEqualTo(1e6);
    assertThat(Fixtures.open("qwen3-tiny").generation().eosTokens()).containsExactly(2);
  }

  @Test
  void namesGenerationConfigForItsMistakes() {
    JsonObject config = json("config.json", SMALL);
    JsonObject generation = json("generation_config.json", "{\"eos_token_id\": [2, \"x\"]}");

    assertThatThrownBy(() -> ModelConfigReader.generation(config, generation))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("generation_config.json: \"eos_token_id\" is [2,\"x\"]");
  }

  private void assertRefused(String json, String message) {
    assertThatThrownBy(() -> read(json))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining(directory.resolve("config.json").toString())
        .hasMessageContaining(message);
  }

  private ModelConfig read(String json) {
    return ModelConfigReader.read(json("config.json", json));
  }

  private JsonObject json(String name, String json) {
    try {
      return JsonObject.read(Files.writeString(directory.resolve(name), json));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The object with a key set, instead of its own if it has one. */
  private static String with(String json, String key, String value) {
    String renamed = json.replace('"' + key + '"', "\"was_" + key + '"');
    return renamed.replaceFirst("\\{", "{\"" + key + "\": " + value.replace("\\", "\\\\") + ", ");
  }
}
