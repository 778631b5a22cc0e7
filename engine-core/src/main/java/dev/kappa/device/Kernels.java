package dev.kappa.device;

/**
 * The operations of the forward pass. Each call puts one operation on a stream and returns; buffers
 * must stay valid until it ran. Hidden states are {@code [rows][columns]}, row-major, of the
 * device's activation type; sums are kept in at least 32-bit floats.
 *
 * <p>Argument shapes are checked at the call; contents (token ids, block numbers) are the caller's
 * promise. Thread-safe for different streams.
 */
public interface Kernels {

  /**
   * Looks up embedding rows: {@code out = table[token] · scale}.
   *
   * @param table {@code [vocabulary, columns]}
   * @param batch token ids of {@code batch.rows()} rows
   * @param out {@code [rows][columns]}
   */
  void embed(Stream stream, Weight table, Batch batch, float scale, DeviceMemory out);

  /**
   * Root mean square norm of each row: {@code out = in / sqrt(mean(in²) + epsilon) · weight} (Zhang
   * and Sennrich, arXiv 1910.07467).
   *
   * @param weight {@code float[columns]}
   */
  void rmsNorm(
      Stream stream,
      DeviceMemory in,
      DeviceMemory weight,
      int rows,
      int columns,
      float epsilon,
      DeviceMemory out);

  /** Adds {@code delta} to {@code residual} in place, then norms the sum into {@code out}. */
  void addRmsNorm(
      Stream stream,
      DeviceMemory residual,
      DeviceMemory delta,
      DeviceMemory weight,
      int rows,
      int columns,
      float epsilon,
      DeviceMemory out);

  /**
   * {@code out[rows][weight.rows()] = in[rows][weight.columns()] · weightᵀ}. A row's result does
   * not depend on the other rows of the call.
   */
  void matmul(Stream stream, DeviceMemory in, int rows, Weight weight, DeviceMemory out);

  /** As {@link #matmul}, with a result of 32-bit floats. */
  void logits(Stream stream, DeviceMemory in, int rows, Weight weight, DeviceMemory out);

  /**
   * Bounds logits in place: {@code x = cap · tanh(x / cap)}.
   *
   * @param logits 32-bit floats {@code [rows][columns]}
   */
  void softcap(Stream stream, DeviceMemory logits, int rows, int columns, float cap);

  /**
   * Adds a bias and norms (where asked), rotates and stores: queries are rotated in place, keys are
   * rotated and written to their KV blocks, values are written as they are. Rotation pairs element
   * {@code i} with {@code i + rotaryDim / 2} (Su et al., arXiv 2104.09864, in the half-split form)
   * and leaves those from {@code rotaryDim} on alone.
   *
   * @param qkv {@code [rows][qkvColumns]}: query heads, key heads, value heads
   */
  void ropeStore(Stream stream, DeviceMemory qkv, Batch batch, RopeStore args, KvLayer layer);

  /**
   * Causal attention of every row over its sequence's KV blocks, for prefill chunks and decodes in
   * one call. A row at position p sees positions 0 … p, or those of them that lie in the shape's
   * window.
   *
   * @param qkv {@code [rows][qkvColumns]}, of which the query heads are read
   * @param out {@code [rows][heads · headDim]}
   */
  void attention(
      Stream stream,
      DeviceMemory qkv,
      Batch batch,
      AttentionShape shape,
      KvLayer layer,
      DeviceMemory out);

  /**
   * Tokens of a tile: the unit in which spans of context are cut for {@link #attentionSpan}. The
   * same for all shapes.
   */
  int attentionTile();

  /**
   * Tokens that a span should have where there are enough: so many that starting its kernel costs
   * little, so few that other streams' kernels wait for it but a moment.
   *
   * @param rows of the batch
   * @return a multiple of {@link #attentionTile}
   */
  int spanTokens(AttentionShape shape, int rows);

  /**
   * Bytes of what {@link #attentionSpan} carries from span to span.
   *
   * @param rows most rows of a batch
   */
  long attentionStateBytes(AttentionShape shape, int rows);

  /**
   * Attention of every row of a batch of one sequence over one span of its context, for contexts
   * that do not lie on the device as a whole. Spans come in order, each beginning where the one
   * before ended and none past the batch's context length; each row sees the tokens of the span up
   * to its own position. All spans of a context and its result use the same batch and shape, which
   * the state is laid out by. After the last span, {@link #attentionResult} gives what {@link
   * #attention} would give, on devices whose exactness allows it with the same bits.
   *
   * @param qkv {@code [rows][qkvColumns]}, of which the query heads are read
   * @param layer where the span's keys and values lie
   * @param span which tokens
   * @param state at least {@link #attentionStateBytes}; started anew by the span at token 0
   */
  void attentionSpan(
      Stream stream,
      DeviceMemory qkv,
      Batch batch,
      AttentionShape shape,
      KvLayer layer,
      KvSpan span,
      DeviceMemory state);

  /**
   * The attention of all spans so far.
   *
   * @param out {@code [rows][heads · headDim]}
   */
  void attentionResult(
      Stream stream, Batch batch, AttentionShape shape, DeviceMemory state, DeviceMemory out);

  /**
   * {@code out = activation(gate) · up}.
   *
   * @param gateUp {@code [rows][2 · columns]}: gate, then up
   * @param out {@code [rows][columns]}
   */
  void gate(
      Stream stream,
      Activation activation,
      DeviceMemory gateUp,
      int rows,
      int columns,
      DeviceMemory out);

  /**
   * Chooses experts: those of a row's largest scores, of equals the lowest index, in this order.
   * Each counts by its probability, the softmax of the row's scores over all experts.
   *
   * @param scores 32-bit floats {@code [rows][experts]}
   * @param choices {@code [rows][perToken]} of a 32-bit index and a 32-bit float, {@link
   *     Router#choiceBytes} in all
   */
  void route(Stream stream, DeviceMemory scores, int rows, Router router, DeviceMemory choices);

  /**
   * Bytes that {@link #experts} needs besides its arguments.
   *
   * @param hidden width of the residual stream
   * @param intermediate width of an expert
   * @param rows most rows of a call
   */
  long expertScratchBytes(Router router, int hidden, int intermediate, int rows);

  /**
   * The feed-forward parts that each row was routed to, by their choices' weights: {@code out = Σ
   * weight · down(activation(gate(in)) · up(in))}. A row's result does not depend on the other rows
   * of the call.
   *
   * @param in {@code [rows][hidden]}
   * @param choices of {@link #route}; of each row every expert at most once
   * @param scratch at least {@link #expertScratchBytes}; what is in it afterwards is open
   * @param out {@code [rows][hidden]}
   */
  void experts(
      Stream stream,
      DeviceMemory in,
      int rows,
      Experts experts,
      DeviceMemory choices,
      DeviceMemory scratch,
      DeviceMemory out);

  /** Collects rows {@code batch.outputRow(first … first + count - 1)} of {@code in}. */
  void gatherOutputs(
      Stream stream,
      DeviceMemory in,
      Batch batch,
      int first,
      int count,
      int columns,
      DeviceMemory out);

  /**
   * The index of each row's largest value, the lowest of equals; -1 for a row that no token can be
   * chosen from: one that holds a NaN or +infinity, or nothing but -infinity.
   *
   * @param logits 32-bit floats {@code [rows][columns]}
   * @param out {@code int[rows]}, written directly to host memory
   */
  void argmax(Stream stream, DeviceMemory logits, int rows, int columns, HostMemory out);
}
