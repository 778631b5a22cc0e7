package dev.kappa.model;

import static dev.kappa.model.TensorRole.LM_HEAD;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * What sets one family of models apart from the others: the names of its tensors, which optional
 * ones it has, and what its {@code config.json} means and may leave out. Config reading, weight
 * loading and the forward pass go by this; none of them asks for an architecture by name.
 *
 * @param name as in {@code architectures} of {@code config.json}
 * @param defaults what counts where the config says nothing
 * @param windows which layers have a sliding window
 * @param traits what else is special about it
 * @param tensorNames name of each tensor, with {@code {layer}} and {@code {expert}} for their
 *     numbers; roles that are not there do not exist in this architecture
 */
public record Architecture(
    String name,
    Defaults defaults,
    WindowRule windows,
    Set<Trait> traits,
    Map<TensorRole, String> tensorNames) {

  static final String LAYER = "{layer}";
  static final String EXPERT = "{expert}";

  /** Properties that are no matter of tensors. */
  public enum Trait {
    /** Embeddings are multiplied with the root of the hidden size, in the checkpoint's type. */
    SCALED_EMBEDDING,
    /** The gate is a GELU if {@code hidden_activation} says nothing else. */
    GELU_GATE,
    /** Weights of norms are kept less one. */
    NORMS_LESS_ONE,
    /** Scores are scaled by {@code query_pre_attn_scalar} instead of the size of a head. */
    QUERY_SCALAR,
    /** Scores may be bounded ({@code attn_logit_softcapping}). */
    ATTENTION_SOFTCAP,
    /** Logits may be bounded ({@code final_logit_softcapping}). */
    LOGIT_SOFTCAP,
    /** Layers with a window have a rotation of their own ({@code rope_local_base_freq}). */
    WINDOW_ROPE,
    /** Only the first elements of a head may be rotated ({@code partial_rotary_factor}). */
    PARTIAL_ROTATION,
    /** Layers are mixtures of experts. */
    EXPERTS,
    /** The chosen experts' probabilities always count relative to their sum. */
    NORMALIZED_EXPERTS
  }

  /** Which layers have a sliding window. */
  public enum WindowRule {
    /** None. */
    NONE,
    /** All, if {@code sliding_window} is a number. */
    EVERY_LAYER,
    /** All, if {@code use_sliding_window} is set. */
    EVERY_LAYER_IF_USED,
    /** Those from {@code max_window_layers} on, if {@code use_sliding_window} is set. */
    LATER_LAYERS_IF_USED,
    /** All but every {@code sliding_window_pattern}-th. */
    PATTERN
  }

  /**
   * What transformers assumes where a config says nothing.
   *
   * @param headDim elements per head; 0 for hidden size / heads
   * @param normEpsilon epsilon of norms
   * @param theta base of the rotation
   * @param window tokens of a sliding window; 0 for none
   * @param windowPattern every how-many-th layer has no window
   * @param attentionSoftcap bound of scores; 0 for none
   * @param logitSoftcap bound of logits; 0 for none
   * @param tied whether the output projection is the embedding
   */
  public record Defaults(
      int headDim,
      double normEpsilon,
      double theta,
      int window,
      int windowPattern,
      float attentionSoftcap,
      float logitSoftcap,
      boolean tied) {

    /** Llama's. */
    static final Defaults LLAMA = new Defaults(0, 1e-6, 10_000, 0, 1, 0, 0, false);

    Defaults withHeadDim(int value) {
      return new Defaults(
          value, normEpsilon, theta, window, windowPattern, attentionSoftcap, logitSoftcap, tied);
    }

    Defaults withNormEpsilon(double value) {
      return new Defaults(
          headDim, value, theta, window, windowPattern, attentionSoftcap, logitSoftcap, tied);
    }

    Defaults withTheta(double value) {
      return new Defaults(
          headDim, normEpsilon, value, window, windowPattern, attentionSoftcap, logitSoftcap, tied);
    }

    Defaults withWindow(int value) {
      return new Defaults(
          headDim, normEpsilon, theta, value, windowPattern, attentionSoftcap, logitSoftcap, tied);
    }
  }

  public Architecture {
    traits = Set.copyOf(traits);
    tensorNames = Map.copyOf(tensorNames);
  }

  /** Every supported architecture. */
  public static List<Architecture> all() {
    return Architectures.ALL;
  }

  /**
   * The architecture of a config that was read.
   *
   * @throws IllegalArgumentException if its name is none of the supported ones
   */
  public static Architecture of(ModelConfig config) {
    for (Architecture architecture : all()) {
      if (architecture.name.equals(config.architecture())) {
        return architecture;
      }
    }
    throw new IllegalArgumentException("unsupported architecture " + config.architecture());
  }

  /** Whether its models have such a tensor. */
  public boolean has(TensorRole role) {
    return tensorNames.containsKey(role);
  }

  /** Whether it has this property. */
  public boolean has(Trait trait) {
    return traits.contains(trait);
  }

  /**
   * One tensor of a model that is not one of many experts.
   *
   * @param layer its layer; not looked at for tensors outside the layers
   * @throws IllegalArgumentException if this architecture has no such tensor
   */
  public TensorSpec tensor(TensorRole role, int layer, ModelConfig config) {
    return tensor(role, layer, 0, config);
  }

  /** One tensor of a model; {@code expert} is not looked at for tensors outside experts. */
  public TensorSpec tensor(TensorRole role, int layer, int expert, ModelConfig config) {
    String pattern = tensorNames.get(role);
    if (pattern == null) {
      throw new IllegalArgumentException(name + " has no " + role);
    }
    String tensor =
        pattern.replace(LAYER, Integer.toString(layer)).replace(EXPERT, Integer.toString(expert));
    return new TensorSpec(role, role.perLayer() ? layer : -1, tensor, role.shape(config));
  }

  /** All tensors of a model; without {@link TensorRole#LM_HEAD} if it is tied to the embedding. */
  public List<TensorSpec> tensors(ModelConfig config) {
    List<TensorSpec> specs = new ArrayList<>();
    for (TensorRole role : TensorRole.values()) {
      if (!isIn(config, role)) {
        continue;
      }
      if (!role.perLayer()) {
        specs.add(tensor(role, 0, config));
        continue;
      }
      int experts = role.perExpert() ? config.mixture().experts() : 1;
      for (int layer = 0; layer < config.layers(); layer++) {
        for (int expert = 0; expert < experts && role.isIn(layer, config); expert++) {
          specs.add(tensor(role, layer, expert, config));
        }
      }
    }
    return List.copyOf(specs);
  }

  /** Whether a model's checkpoint may have such a tensor. */
  boolean isIn(ModelConfig config, TensorRole role) {
    return has(role) && !(role == LM_HEAD && config.tiedEmbeddings());
  }
}
