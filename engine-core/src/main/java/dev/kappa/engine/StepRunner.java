package dev.kappa.engine;

import dev.kappa.device.Batch;
import dev.kappa.device.Device;
import dev.kappa.device.DeviceMemory;
import dev.kappa.device.HostMemory;
import dev.kappa.device.LayerKv;
import dev.kappa.device.Resources;
import dev.kappa.device.Stream;
import dev.kappa.kv.BlockTable;
import dev.kappa.kv.KvLayout;
import dev.kappa.model.Transformer;
import dev.kappa.schedule.Sequence;
import dev.kappa.schedule.StepPlan;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Runs a planned step on the device and brings its logits to the host, as far as anyone wants them.
 * Owns the per-step buffers. Not thread-safe.
 */
final class StepRunner implements AutoCloseable {

  /** Receives what a step computed, one call per wanted row, in row order. */
  interface RowSink {

    /** How much of a row's logits is wanted. */
    Want want(StepPlan.Chunk chunk, int position);

    /**
     * The index of the largest logit of a row, or -1, see {@link dev.kappa.device.Kernels#argmax}.
     */
    void onArgmax(StepPlan.Chunk chunk, int position, int token);

    /**
     * A row's logits.
     *
     * @param logits 32-bit floats {@code [rows][vocabulary]}; valid during the call
     * @param row which of them
     */
    void onLogits(StepPlan.Chunk chunk, int position, MemorySegment logits, int row);
  }

  /** What is wanted of a row. */
  enum Want {
    NOTHING,
    ARGMAX,
    LOGITS
  }

  /** One wanted row. */
  private record Output(StepPlan.Chunk chunk, int position, Want want) {}

  private static final int LOGIT_ROWS = 64;

  private final Transformer transformer;
  private final KvLayout layout;
  private final Stream stream;
  private final int vocabulary;
  private final @Nullable StepMarks marks;
  private final Batch batch;
  private final DeviceMemory logits;
  private final HostMemory hostLogits;
  private final HostMemory argmax;
  private final Resources resources = new Resources();
  private final List<Output> outputs = new ArrayList<>();

  /**
   * @param marks is told where the parts of steps begin; null if nobody is
   */
  StepRunner(
      Device device,
      Transformer transformer,
      KvLayout layout,
      Stream stream,
      int vocabulary,
      int maxRows,
      int maxSequences,
      int maxBlocks,
      @Nullable StepMarks marks) {
    this.transformer = transformer;
    this.layout = layout;
    this.stream = stream;
    this.vocabulary = vocabulary;
    this.marks = marks;
    long logitBytes = logitBytes(vocabulary);
    try {
      batch = resources.own(new Batch(device, maxRows, maxSequences, maxBlocks), Batch::close);
      logits = resources.own(device.allocate(logitBytes), DeviceMemory::close);
      hostLogits = resources.own(device.allocateHost(logitBytes), HostMemory::close);
      argmax =
          resources.own(device.allocateHost((long) LOGIT_ROWS * Integer.BYTES), HostMemory::close);
    } catch (RuntimeException e) {
      close();
      throw e;
    }
  }

  /** Device bytes of the logits that are brought to the host at a time. */
  static long logitBytes(int vocabulary) {
    return (long) LOGIT_ROWS * vocabulary * Float.BYTES;
  }

  /** Computes a step; returns when all its work is done and reported. */
  void run(StepPlan plan, LayerKv kv, RowSink sink) {
    Transformer.Pass pass = begin(plan, kv, sink);
    while (pass.next()) {}
    passed();
    finish(sink);
  }

  /** Begins a step, whose parts the caller puts on the stream before it is {@link #finish}ed. */
  Transformer.Pass begin(StepPlan plan, LayerKv kv, RowSink sink) {
    assemble(plan, sink);
    if (marks != null) {
      marks.step(stream);
    }
    return transformer.pass(stream, batch, kv);
  }

  /** All parts of a step are on the stream. */
  void passed() {
    mark(null);
  }

  /** Waits for the step on the stream and reports what it computed. */
  void finish(RowSink sink) {
    if (outputs.isEmpty()) {
      stream.synchronize();
    }
    for (int first = 0; first < outputs.size(); first += LOGIT_ROWS) {
      report(first, Math.min(LOGIT_ROWS, outputs.size() - first), sink);
    }
    if (marks != null) {
      marks.settle();
    }
  }

  @Override
  public void close() {
    resources.close();
  }

  private void mark(@Nullable String next) {
    if (marks != null) {
      marks.part(stream, next);
    }
  }

  private void assemble(StepPlan plan, RowSink sink) {
    batch.clear();
    outputs.clear();
    for (StepPlan.Chunk chunk : plan.chunks()) {
      Sequence sequence = chunk.sequence();
      int end = chunk.start() + chunk.count();
      batch.beginSequence(end);
      BlockTable blocks = sequence.blocks();
      int used = layout.blocksFor(end);
      for (int index = 0; index < used; index++) {
        batch.setBlock(index, blocks.block(index));
      }
      for (int position = chunk.start(); position < end; position++) {
        batch.addRow(sequence.token(position), position);
        Want want = sink.want(chunk, position);
        if (want != Want.NOTHING) {
          batch.markOutput();
          outputs.add(new Output(chunk, position, want));
        }
      }
    }
  }

  private void report(int first, int count, RowSink sink) {
    boolean anyArgmax = false;
    boolean anyLogits = false;
    for (int i = first; i < first + count; i++) {
      anyArgmax |= outputs.get(i).want() == Want.ARGMAX;
      anyLogits |= outputs.get(i).want() == Want.LOGITS;
    }
    mark("logits");
    transformer.logits(stream, first, count, logits);
    if (anyArgmax) {
      transformer.argmax(stream, logits, count, argmax);
    }
    long rowBytes = (long) vocabulary * Float.BYTES;
    if (anyLogits) {
      stream.copy(hostLogits, 0, logits, 0, count * rowBytes);
    }
    mark(null);
    stream.synchronize();
    for (int i = 0; i < count; i++) {
      Output output = outputs.get(first + i);
      if (output.want() == Want.ARGMAX) {
        int token = argmax.segment().getAtIndex(ValueLayout.JAVA_INT, i);
        sink.onArgmax(output.chunk(), output.position(), token);
      } else {
        sink.onLogits(output.chunk(), output.position(), hostLogits.segment(), i);
      }
    }
  }
}
