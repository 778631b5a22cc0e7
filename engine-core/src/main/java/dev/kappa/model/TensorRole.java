package dev.kappa.model;

import java.util.List;

/** What a weight does in a decoder-only transformer; every architecture names these its own way. */
public enum TensorRole {
  EMBEDDING(false),
  ATTENTION_NORM(true),
  QUERY(true),
  KEY(true),
  VALUE(true),
  QUERY_NORM(true),
  KEY_NORM(true),
  ATTENTION_OUTPUT(true),
  FEED_FORWARD_NORM(true),
  GATE(true),
  UP(true),
  DOWN(true),
  FINAL_NORM(false),
  LM_HEAD(false);

  private final boolean perLayer;

  TensorRole(boolean perLayer) {
    this.perLayer = perLayer;
  }

  /** Whether every layer has one. */
  public boolean perLayer() {
    return perLayer;
  }

  /**
   * Its shape in a model: {@code [outputs, inputs]} of a matrix, {@code [elements]} of a vector.
   */
  public List<Long> shape(ModelConfig config) {
    long hidden = config.hiddenSize();
    long intermediate = config.intermediateSize();
    long vocabulary = config.vocabularySize();
    long headDim = config.headDim();
    return switch (this) {
      case EMBEDDING, LM_HEAD -> List.of(vocabulary, hidden);
      case ATTENTION_NORM, FEED_FORWARD_NORM, FINAL_NORM -> List.of(hidden);
      case QUERY -> List.of(config.heads() * headDim, hidden);
      case KEY, VALUE -> List.of(config.kvHeads() * headDim, hidden);
      case QUERY_NORM, KEY_NORM -> List.of(headDim);
      case ATTENTION_OUTPUT -> List.of(hidden, config.heads() * headDim);
      case GATE, UP -> List.of(intermediate, hidden);
      case DOWN -> List.of(hidden, intermediate);
    };
  }
}
