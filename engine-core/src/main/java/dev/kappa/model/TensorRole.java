package dev.kappa.model;

import java.util.List;

/** What a weight does in a decoder-only transformer; every architecture names these its own way. */
public enum TensorRole {
  EMBEDDING(Place.MODEL),
  ATTENTION_NORM(Place.LAYER),
  QUERY(Place.LAYER),
  KEY(Place.LAYER),
  VALUE(Place.LAYER),
  /** {@link #QUERY}, {@link #KEY} and {@link #VALUE} in one. */
  QUERY_KEY_VALUE(Place.LAYER),
  QUERY_BIAS(Place.LAYER),
  KEY_BIAS(Place.LAYER),
  VALUE_BIAS(Place.LAYER),
  QUERY_NORM(Place.LAYER),
  KEY_NORM(Place.LAYER),
  ATTENTION_OUTPUT(Place.LAYER),
  /** A norm of what attention gives, before it is added. */
  POST_ATTENTION_NORM(Place.LAYER),
  FEED_FORWARD_NORM(Place.LAYER),
  GATE(Place.DENSE_LAYER),
  UP(Place.DENSE_LAYER),
  /** {@link #GATE} and {@link #UP} in one. */
  GATE_UP(Place.DENSE_LAYER),
  DOWN(Place.DENSE_LAYER),
  ROUTER(Place.SPARSE_LAYER),
  EXPERT_GATE(Place.EXPERT),
  EXPERT_UP(Place.EXPERT),
  EXPERT_DOWN(Place.EXPERT),
  /** A norm of what the feed-forward part gives, before it is added. */
  POST_FEED_FORWARD_NORM(Place.LAYER),
  FINAL_NORM(Place.MODEL),
  LM_HEAD(Place.MODEL);

  private enum Place {
    MODEL,
    LAYER,
    DENSE_LAYER,
    SPARSE_LAYER,
    EXPERT
  }

  private final Place place;

  TensorRole(Place place) {
    this.place = place;
  }

  /** Whether layers have one each, not the model. */
  public boolean perLayer() {
    return place != Place.MODEL;
  }

  /** Whether experts have one each. */
  public boolean perExpert() {
    return place == Place.EXPERT;
  }

  /** Whether a layer of a model has it, if its architecture does. */
  public boolean isIn(int layer, ModelConfig config) {
    return switch (place) {
      case MODEL -> false;
      case LAYER -> true;
      case DENSE_LAYER -> !config.isSparse(layer);
      case SPARSE_LAYER, EXPERT -> config.isSparse(layer);
    };
  }

  /** Whether it is the weight of a norm. */
  public boolean isNorm() {
    return switch (this) {
      case ATTENTION_NORM,
          QUERY_NORM,
          KEY_NORM,
          POST_ATTENTION_NORM,
          FEED_FORWARD_NORM,
          POST_FEED_FORWARD_NORM,
          FINAL_NORM ->
          true;
      default -> false;
    };
  }

  /**
   * Its shape in a model: {@code [outputs, inputs]} of a matrix, {@code [elements]} of a vector.
   */
  public List<Long> shape(ModelConfig config) {
    long hidden = config.hiddenSize();
    long intermediate = config.intermediateSize();
    long headDim = config.headDim();
    long queries = config.heads() * headDim;
    long keys = config.kvHeads() * headDim;
    return switch (this) {
      case EMBEDDING, LM_HEAD -> List.of((long) config.vocabularySize(), hidden);
      case ATTENTION_NORM,
          POST_ATTENTION_NORM,
          FEED_FORWARD_NORM,
          POST_FEED_FORWARD_NORM,
          FINAL_NORM ->
          List.of(hidden);
      case QUERY -> List.of(queries, hidden);
      case KEY, VALUE -> List.of(keys, hidden);
      case QUERY_KEY_VALUE -> List.of(queries + 2 * keys, hidden);
      case QUERY_BIAS -> List.of(queries);
      case KEY_BIAS, VALUE_BIAS -> List.of(keys);
      case QUERY_NORM, KEY_NORM -> List.of(headDim);
      case ATTENTION_OUTPUT -> List.of(hidden, queries);
      case GATE, UP -> List.of(intermediate, hidden);
      case GATE_UP -> List.of(2 * intermediate, hidden);
      case DOWN -> List.of(hidden, intermediate);
      case ROUTER -> List.of((long) config.mixture().experts(), hidden);
      case EXPERT_GATE, EXPERT_UP -> List.of((long) config.mixture().width(), hidden);
      case EXPERT_DOWN -> List.of(hidden, (long) config.mixture().width());
    };
  }
}
