package dev.kappa.device;

/** The kernels in plain double arithmetic. */
final class Reference {

  private Reference() {}

  static double[] matmul(float[] in, int rows, float[] weight, int columns) {
    int outputs = weight.length / columns;
    double[] out = new double[rows * outputs];
    for (int r = 0; r < rows; r++) {
      for (int n = 0; n < outputs; n++) {
        double sum = 0;
        for (int k = 0; k < columns; k++) {
          sum += (double) in[r * columns + k] * weight[n * columns + k];
        }
        out[r * outputs + n] = sum;
      }
    }
    return out;
  }

  static double[] rmsNorm(double[] in, int offset, int columns, float[] weight, double epsilon) {
    double squares = 0;
    for (int i = 0; i < columns; i++) {
      squares += in[offset + i] * in[offset + i];
    }
    double factor = 1 / Math.sqrt(squares / columns + epsilon);
    double[] out = new double[columns];
    for (int i = 0; i < columns; i++) {
      out[i] = in[offset + i] * factor * weight[i];
    }
    return out;
  }

  /** Rotates one head at a position of a table {@code [positions][2][headDim / 2]}. */
  static double[] rotate(double[] head, float[] table, int position) {
    int half = head.length / 2;
    double[] out = new double[head.length];
    for (int i = 0; i < half; i++) {
      double cos = table[position * head.length + i];
      double sin = table[position * head.length + half + i];
      out[i] = head[i] * cos - head[i + half] * sin;
      out[i + half] = head[i + half] * cos + head[i] * sin;
    }
    return out;
  }

  /**
   * Attention of one query head.
   *
   * @param spread of each element: the root of the sum of the squares of what its tokens add, so
   *     how far it is off when these are rounded independently of each other, relative to a
   *     rounding
   */
  @SuppressWarnings("ArrayRecordComponent") // Compared by nobody.
  record Attended(double[] result, double[] spread) {}

  /**
   * Attention of one query head.
   *
   * @param keys {@code [tokens][kvHeads][headDim]}
   * @param position of the query, which sees it and what the shape's window has before it
   */
  static Attended attention(
      float[] query,
      int offset,
      AttentionShape shape,
      int kvHead,
      float[] keys,
      float[] values,
      int position) {
    int dim = shape.headDim();
    int first = shape.firstSeen(position);
    double[] scores = new double[position + 1];
    double max = Double.NEGATIVE_INFINITY;
    for (int t = first; t <= position; t++) {
      for (int d = 0; d < dim; d++) {
        scores[t] += (double) query[offset + d] * keys[(t * shape.kvHeads() + kvHead) * dim + d];
      }
      scores[t] *= shape.scale();
      if (shape.softcap() > 0) {
        scores[t] = shape.softcap() * Math.tanh(scores[t] / shape.softcap());
      }
      max = Math.max(max, scores[t]);
    }
    double total = 0;
    double[] out = new double[dim];
    double[] squares = new double[dim];
    for (int t = first; t <= position; t++) {
      double weight = Math.exp(scores[t] - max);
      total += weight;
      for (int d = 0; d < dim; d++) {
        double part = weight * values[(t * shape.kvHeads() + kvHead) * dim + d];
        out[d] += part;
        squares[d] += part * part;
      }
    }
    for (int d = 0; d < dim; d++) {
      out[d] /= total;
      squares[d] = Math.sqrt(squares[d]) / total;
    }
    return new Attended(out, squares);
  }
}
