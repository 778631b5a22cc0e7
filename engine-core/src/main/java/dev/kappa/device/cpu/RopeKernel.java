package dev.kappa.device.cpu;

import dev.kappa.device.AttentionShape;
import dev.kappa.device.Batch;
import dev.kappa.device.DeviceMemory;
import dev.kappa.device.KvLayer;
import dev.kappa.device.RopeStore;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import org.jspecify.annotations.Nullable;

/** Norms and rotates queries and keys, and stores keys and values into KV blocks. */
final class RopeKernel {

  private final AttentionShape shape;
  private final RopeStore args;
  private final KvLayer layer;
  private final Batch batch;
  private final long qkv;
  private final long table;
  private final long bias;
  private final long pool;

  RopeKernel(long qkv, Batch batch, RopeStore args, KvLayer layer) {
    this.shape = args.shape();
    this.args = args;
    this.layer = layer;
    this.batch = batch;
    this.qkv = qkv;
    table = args.table().address();
    bias = args.bias() == null ? 0 : args.bias().address();
    pool = layer.pool().address();
  }

  /** Does one row of the batch. */
  void row(int row) {
    int dim = shape.headDim();
    long headBytes = 4L * dim;
    long heads = qkv + 4L * shape.qkvColumns() * row;
    int position = batch.position(row);
    long angles = table + 4L * args.rotaryDim() * position;
    if (bias != 0) {
      Elements.add(heads, bias, shape.qkvColumns());
    }
    for (int h = 0; h < shape.heads(); h++) {
      rotate(heads + h * headBytes, angles, args.queryNorm());
    }
    long keys = heads + shape.heads() * headBytes;
    long values = keys + shape.kvHeads() * headBytes;
    int block = batch.block(batch.sequenceOf(row), position / layer.blockTokens());
    int token = position % layer.blockTokens();
    long to = pool + block * layer.blockStride();
    for (int h = 0; h < shape.kvHeads(); h++) {
      rotate(keys + h * headBytes, angles, args.keyNorm());
      long offset = ((long) h * layer.blockTokens() + token) * dim * layer.dtype().bytes();
      store(keys + h * headBytes, to + layer.keyOffset() + offset);
      store(values + h * headBytes, to + layer.valueOffset() + offset);
    }
  }

  private void rotate(long head, long angles, @Nullable DeviceMemory norm) {
    if (norm != null) {
      NormKernel.normalize(head, norm.address(), shape.headDim(), args.normEpsilon(), head);
    }
    int half = args.rotaryDim() / 2;
    for (int i = 0; i < half; i += Lanes.COUNT) {
      VectorMask<Float> rest = Lanes.first(half - i);
      long first = head + 4L * i;
      long second = first + 4L * half;
      FloatVector x = Lanes.load(first, rest);
      FloatVector y = Lanes.load(second, rest);
      FloatVector cos = Lanes.load(angles + 4L * i, rest);
      FloatVector sin = Lanes.load(angles + 4L * (half + i), rest);
      Lanes.store(y.neg().fma(sin, x.mul(cos)), first, rest);
      Lanes.store(x.fma(sin, y.mul(cos)), second, rest);
    }
  }

  private void store(long from, long to) {
    int size = layer.dtype().bytes();
    for (int d = 0; d < shape.headDim(); d++) {
      Half.write(layer.dtype(), to + (long) d * size, Raw.getFloat(from + 4L * d));
    }
  }
}
