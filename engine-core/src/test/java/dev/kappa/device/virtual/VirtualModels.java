package dev.kappa.device.virtual;

import dev.kappa.roofline.Attention;
import dev.kappa.roofline.FeedForward;
import dev.kappa.roofline.KvType;
import dev.kappa.roofline.ModelShape;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Model folders without weights, for engines with dummy weights on a {@link VirtualDevice}, which
 * never makes them: models of any size cost nothing.
 */
public final class VirtualModels {

  private VirtualModels() {}

  /** Llama-3.1-8B, KV in bf16. */
  public static ModelShape llama8B() {
    return ModelShape.dense(32, 4096, 14336, 32, 8, 128, 128256, false, KvType.BF16);
  }

  /**
   * Writes the {@code config.json} of a Llama-shaped model in bf16.
   *
   * @param folder created if it is not there
   * @param positions longest context of the model
   * @return the folder
   */
  public static Path write(Path folder, ModelShape shape, int positions) {
    Attention.Grouped attention = (Attention.Grouped) shape.attention();
    String config =
        """
        {
          "architectures": ["LlamaForCausalLM"],
          "dtype": "bfloat16",
          "hidden_size": %d,
          "intermediate_size": %d,
          "num_hidden_layers": %d,
          "num_attention_heads": %d,
          "num_key_value_heads": %d,
          "head_dim": %d,
          "vocab_size": %d,
          "max_position_embeddings": %d,
          "rms_norm_eps": 1e-05,
          "rope_theta": 500000.0,
          "tie_word_embeddings": %b
        }
        """
            .formatted(
                shape.hidden(),
                ((FeedForward.Dense) shape.feedForward()).intermediate(),
                shape.layers(),
                attention.heads(),
                attention.kvHeads(),
                attention.headDim(),
                shape.vocabulary(),
                positions,
                shape.tied());
    try {
      Files.createDirectories(folder);
      Files.writeString(folder.resolve("config.json"), config);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return folder;
  }
}
