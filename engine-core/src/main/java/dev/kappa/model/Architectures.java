package dev.kappa.model;

import static dev.kappa.model.Architecture.Trait.ATTENTION_SOFTCAP;
import static dev.kappa.model.Architecture.Trait.EXPERTS;
import static dev.kappa.model.Architecture.Trait.GELU_GATE;
import static dev.kappa.model.Architecture.Trait.LOGIT_SOFTCAP;
import static dev.kappa.model.Architecture.Trait.NORMALIZED_EXPERTS;
import static dev.kappa.model.Architecture.Trait.NORMS_LESS_ONE;
import static dev.kappa.model.Architecture.Trait.PARTIAL_ROTATION;
import static dev.kappa.model.Architecture.Trait.QUERY_SCALAR;
import static dev.kappa.model.Architecture.Trait.SCALED_EMBEDDING;
import static dev.kappa.model.Architecture.Trait.WINDOW_ROPE;

import dev.kappa.model.Architecture.Defaults;
import dev.kappa.model.Architecture.Trait;
import dev.kappa.model.Architecture.WindowRule;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** The architectures that Kappa runs. */
public final class Architectures {

  private static final String LAYER = "model.layers." + Architecture.LAYER + ".";
  private static final String ATTENTION = LAYER + "self_attn.";
  private static final String FEED_FORWARD = LAYER + "mlp.";

  private static final int QWEN_HEAD_DIM = 128;
  private static final int WINDOW = 4096;

  /** Llama 2, 3, 3.1 and 3.2. */
  public static final Architecture LLAMA =
      new Architecture("LlamaForCausalLM", Defaults.LLAMA, WindowRule.NONE, Set.of(), dense());

  /** Mistral: Llama with a sliding window in every layer, or none at all. */
  public static final Architecture MISTRAL =
      new Architecture(
          "MistralForCausalLM",
          Defaults.LLAMA.withWindow(WINDOW),
          WindowRule.EVERY_LAYER,
          Set.of(),
          dense());

  /** Qwen2 and 2.5: queries, keys and values have biases. */
  public static final Architecture QWEN2 =
      new Architecture(
          "Qwen2ForCausalLM",
          Defaults.LLAMA.withWindow(WINDOW),
          WindowRule.LATER_LAYERS_IF_USED,
          Set.of(),
          with(
              dense(),
              Map.of(
                  TensorRole.QUERY_BIAS, ATTENTION + "q_proj.bias",
                  TensorRole.KEY_BIAS, ATTENTION + "k_proj.bias",
                  TensorRole.VALUE_BIAS, ATTENTION + "v_proj.bias")));

  /** Qwen3: query and key heads are normed before rotation. */
  public static final Architecture QWEN3 =
      new Architecture(
          "Qwen3ForCausalLM",
          Defaults.LLAMA.withHeadDim(QWEN_HEAD_DIM).withWindow(WINDOW),
          WindowRule.LATER_LAYERS_IF_USED,
          Set.of(),
          with(dense(), headNorms()));

  /** Gemma 2: what layers add is normed too, every other layer has a window, all is bounded. */
  public static final Architecture GEMMA2 =
      new Architecture(
          "Gemma2ForCausalLM",
          new Defaults(256, 1e-6, 10_000, WINDOW, 2, 50, 30, true),
          WindowRule.PATTERN,
          gemma(ATTENTION_SOFTCAP),
          with(dense(), postNorms()));

  /** Gemma 3, text: five layers of six have a window and a rotation of their own. */
  public static final Architecture GEMMA3 =
      new Architecture(
          "Gemma3ForCausalLM",
          new Defaults(256, 1e-6, 1_000_000, WINDOW, 6, 0, 0, true),
          WindowRule.PATTERN,
          gemma(WINDOW_ROPE),
          with(with(dense(), postNorms()), headNorms()));

  /** Phi-3 and Phi-4: fused projections, rotation of a part of each head. */
  public static final Architecture PHI3 =
      new Architecture(
          "Phi3ForCausalLM",
          Defaults.LLAMA.withNormEpsilon(1e-5),
          WindowRule.EVERY_LAYER,
          Set.of(PARTIAL_ROTATION),
          fused());

  /** Mixtral: Mistral with eight experts, of which two see a token. */
  public static final Architecture MIXTRAL =
      new Architecture(
          "MixtralForCausalLM",
          Defaults.LLAMA.withNormEpsilon(1e-5).withTheta(1_000_000),
          WindowRule.EVERY_LAYER,
          Set.of(EXPERTS, NORMALIZED_EXPERTS),
          experts("block_sparse_moe.", "w1", "w3", "w2", Set.of()));

  /** Qwen3 with a mixture of experts, of which layers may be left out. */
  public static final Architecture QWEN3_MOE =
      new Architecture(
          "Qwen3MoeForCausalLM",
          Defaults.LLAMA.withHeadDim(QWEN_HEAD_DIM).withWindow(WINDOW),
          WindowRule.EVERY_LAYER_IF_USED,
          Set.of(EXPERTS),
          with(
              experts(
                  "mlp.",
                  "gate_proj",
                  "up_proj",
                  "down_proj",
                  Set.of(TensorRole.GATE, TensorRole.UP, TensorRole.DOWN)),
              headNorms()));

  static final List<Architecture> ALL =
      List.of(LLAMA, MISTRAL, QWEN2, QWEN3, GEMMA2, GEMMA3, PHI3, MIXTRAL, QWEN3_MOE);

  private Architectures() {}

  /** What all Gemmas have, and one thing more. */
  private static Set<Trait> gemma(Trait more) {
    return Set.of(SCALED_EMBEDDING, GELU_GATE, NORMS_LESS_ONE, QUERY_SCALAR, LOGIT_SOFTCAP, more);
  }

  /** The names that Llama set and most later families kept. */
  private static Map<TensorRole, String> dense() {
    Map<TensorRole, String> names = new EnumMap<>(TensorRole.class);
    names.put(TensorRole.EMBEDDING, "model.embed_tokens.weight");
    names.put(TensorRole.ATTENTION_NORM, LAYER + "input_layernorm.weight");
    names.put(TensorRole.QUERY, ATTENTION + "q_proj.weight");
    names.put(TensorRole.KEY, ATTENTION + "k_proj.weight");
    names.put(TensorRole.VALUE, ATTENTION + "v_proj.weight");
    names.put(TensorRole.ATTENTION_OUTPUT, ATTENTION + "o_proj.weight");
    names.put(TensorRole.FEED_FORWARD_NORM, LAYER + "post_attention_layernorm.weight");
    names.put(TensorRole.GATE, FEED_FORWARD + "gate_proj.weight");
    names.put(TensorRole.UP, FEED_FORWARD + "up_proj.weight");
    names.put(TensorRole.DOWN, FEED_FORWARD + "down_proj.weight");
    names.put(TensorRole.FINAL_NORM, "model.norm.weight");
    names.put(TensorRole.LM_HEAD, "lm_head.weight");
    return names;
  }

  private static Map<TensorRole, String> headNorms() {
    return Map.of(
        TensorRole.QUERY_NORM, ATTENTION + "q_norm.weight",
        TensorRole.KEY_NORM, ATTENTION + "k_norm.weight");
  }

  /** Gemma's: the name that others give the norm before the feed-forward part means another. */
  private static Map<TensorRole, String> postNorms() {
    return Map.of(
        TensorRole.POST_ATTENTION_NORM, LAYER + "post_attention_layernorm.weight",
        TensorRole.FEED_FORWARD_NORM, LAYER + "pre_feedforward_layernorm.weight",
        TensorRole.POST_FEED_FORWARD_NORM, LAYER + "post_feedforward_layernorm.weight");
  }

  private static Map<TensorRole, String> fused() {
    Map<TensorRole, String> names = dense();
    names.keySet().removeAll(Set.of(TensorRole.QUERY, TensorRole.KEY, TensorRole.VALUE));
    names.keySet().removeAll(Set.of(TensorRole.GATE, TensorRole.UP));
    names.put(TensorRole.QUERY_KEY_VALUE, ATTENTION + "qkv_proj.weight");
    names.put(TensorRole.GATE_UP, FEED_FORWARD + "gate_up_proj.weight");
    return names;
  }

  /** Experts instead of a dense part, or beside one in some layers. */
  private static Map<TensorRole, String> experts(
      String part, String gate, String up, String down, Set<TensorRole> kept) {
    Map<TensorRole, String> names = dense();
    for (TensorRole role : Set.of(TensorRole.GATE, TensorRole.UP, TensorRole.DOWN)) {
      if (!kept.contains(role)) {
        names.remove(role);
      }
    }
    String expert = LAYER + part + "experts." + Architecture.EXPERT + ".";
    names.put(TensorRole.ROUTER, LAYER + part + "gate.weight");
    names.put(TensorRole.EXPERT_GATE, expert + gate + ".weight");
    names.put(TensorRole.EXPERT_UP, expert + up + ".weight");
    names.put(TensorRole.EXPERT_DOWN, expert + down + ".weight");
    return names;
  }

  private static Map<TensorRole, String> with(
      Map<TensorRole, String> names, Map<TensorRole, String> more) {
    Map<TensorRole, String> all = new EnumMap<>(names);
    all.putAll(more);
    return all;
  }
}
