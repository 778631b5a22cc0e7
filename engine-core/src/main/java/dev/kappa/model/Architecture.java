package dev.kappa.model;

import static dev.kappa.model.TensorRole.KEY_NORM;
import static dev.kappa.model.TensorRole.LM_HEAD;
import static dev.kappa.model.TensorRole.QUERY_NORM;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/**
 * What sets one family of models apart from the others: the names of its tensors, which optional
 * ones it has, and what its {@code config.json} may leave out. Config reading, weight loading and
 * the forward pass go by this; none of them asks for an architecture by name.
 *
 * @param name as in {@code architectures} of {@code config.json}
 * @param defaultHeadDim elements per head if the config does not say; 0 for hidden size / heads
 * @param tensorNames name of each tensor, with {@code {layer}} for the layer's number; roles that
 *     are not there do not exist in this architecture
 */
public record Architecture(String name, int defaultHeadDim, Map<TensorRole, String> tensorNames) {

  private static final String LAYER = "{layer}";

  /** Llama 2, 3, 3.1 and 3.2. */
  public static final Architecture LLAMA =
      new Architecture("LlamaForCausalLM", 0, without(QUERY_NORM, KEY_NORM));

  /** Qwen3: query and key heads are normed before rotation. */
  public static final Architecture QWEN3 = new Architecture("Qwen3ForCausalLM", 128, without());

  private static final List<Architecture> ALL = List.of(LLAMA, QWEN3);

  public Architecture {
    tensorNames = Map.copyOf(tensorNames);
  }

  /** Every supported architecture. */
  public static List<Architecture> all() {
    return ALL;
  }

  /**
   * The architecture of a config that was read.
   *
   * @throws IllegalArgumentException if its name is none of the supported ones
   */
  public static Architecture of(ModelConfig config) {
    for (Architecture architecture : ALL) {
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

  /**
   * One tensor of a model.
   *
   * @param layer its layer; not looked at for tensors outside the layers
   * @throws IllegalArgumentException if this architecture has no such tensor
   */
  public TensorSpec tensor(TensorRole role, int layer, ModelConfig config) {
    String pattern = tensorNames.get(role);
    if (pattern == null) {
      throw new IllegalArgumentException(name + " has no " + role);
    }
    return new TensorSpec(
        role,
        role.perLayer() ? layer : -1,
        pattern.replace(LAYER, Integer.toString(layer)),
        role.shape(config));
  }

  /** All tensors of a model; without {@link TensorRole#LM_HEAD} if it is tied to the embedding. */
  public List<TensorSpec> tensors(ModelConfig config) {
    List<TensorSpec> specs = new ArrayList<>();
    for (TensorRole role : TensorRole.values()) {
      if (!has(role) || (role == LM_HEAD && config.tiedEmbeddings())) {
        continue;
      }
      int count = role.perLayer() ? config.layers() : 1;
      for (int layer = 0; layer < count; layer++) {
        specs.add(tensor(role, layer, config));
      }
    }
    return List.copyOf(specs);
  }

  /** The names that Llama set and most later families kept, less the parts that one lacks. */
  private static Map<TensorRole, String> without(TensorRole... absent) {
    String attention = "model.layers." + LAYER + ".self_attn.";
    String feedForward = "model.layers." + LAYER + ".mlp.";
    Map<TensorRole, String> names = new EnumMap<>(TensorRole.class);
    names.put(TensorRole.EMBEDDING, "model.embed_tokens.weight");
    names.put(TensorRole.ATTENTION_NORM, "model.layers." + LAYER + ".input_layernorm.weight");
    names.put(TensorRole.QUERY, attention + "q_proj.weight");
    names.put(TensorRole.KEY, attention + "k_proj.weight");
    names.put(TensorRole.VALUE, attention + "v_proj.weight");
    names.put(QUERY_NORM, attention + "q_norm.weight");
    names.put(KEY_NORM, attention + "k_norm.weight");
    names.put(TensorRole.ATTENTION_OUTPUT, attention + "o_proj.weight");
    names.put(
        TensorRole.FEED_FORWARD_NORM, "model.layers." + LAYER + ".post_attention_layernorm.weight");
    names.put(TensorRole.GATE, feedForward + "gate_proj.weight");
    names.put(TensorRole.UP, feedForward + "up_proj.weight");
    names.put(TensorRole.DOWN, feedForward + "down_proj.weight");
    names.put(TensorRole.FINAL_NORM, "model.norm.weight");
    names.put(LM_HEAD, "lm_head.weight");
    for (TensorRole role : absent) {
      names.remove(role);
    }
    return names;
  }
}
