package dev.kappa.model;

import dev.kappa.device.AttentionShape;
import java.util.Collections;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * The attention of all layers of a model.
 *
 * @param heads query heads
 * @param kvHeads key and value heads
 * @param headDim elements per head
 * @param scale factor on the scores
 * @param softcap bound of the scores, 0 for none; see {@link AttentionShape}
 * @param window tokens that rows of windowed layers see, themselves included
 * @param windowed layers with a window; the others see everything before
 * @param rope rotary position embedding
 * @param windowRope that of layers with a window; null where they have the same
 * @param rotaryDim elements of each head that are rotated
 */
public record AttentionConfig(
    int heads,
    int kvHeads,
    int headDim,
    float scale,
    float softcap,
    int window,
    Set<Integer> windowed,
    RopeConfig rope,
    @Nullable RopeConfig windowRope,
    int rotaryDim) {

  public AttentionConfig {
    // Sorted, since configs are hashed as text.
    windowed = Collections.unmodifiableSortedSet(new TreeSet<>(windowed));
  }

  /** Plain attention, as Llama has it. */
  public AttentionConfig(int heads, int kvHeads, int headDim, RopeConfig rope) {
    this(
        heads,
        kvHeads,
        headDim,
        scale(headDim),
        0,
        AttentionShape.NO_WINDOW,
        Set.of(),
        rope,
        null,
        headDim);
  }

  /** The usual factor on the scores, {@code 1 / sqrt(headDim)}. */
  static float scale(double headDim) {
    return (float) (1 / Math.sqrt(headDim));
  }

  /** What the attention of a layer looks like to a device. */
  public AttentionShape shape(int layer) {
    int seen = windowed.contains(layer) ? window : AttentionShape.NO_WINDOW;
    return new AttentionShape(heads, kvHeads, headDim, scale, seen, softcap);
  }

  /** The rotary position embedding of a layer. */
  public RopeConfig rope(int layer) {
    return windowRope != null && windowed.contains(layer) ? windowRope : rope;
  }

  /**
   * What sets the keys of an engine with contexts of up to so many tokens apart from those of
   * another engine with the same model; empty where nothing does.
   */
  public String variant(int positions) {
    return rope.variant(positions) + (windowRope == null ? "" : windowRope.variant(positions));
  }
}
