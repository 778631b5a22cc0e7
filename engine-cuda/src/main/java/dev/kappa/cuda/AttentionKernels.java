package dev.kappa.cuda;

import dev.kappa.device.DType;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/**
 * The kernels of attention by storage type, head size and number of query vectors. Which one
 * computes a query does not show in its bits.
 */
final class AttentionKernels {

  /** Arguments of each of them. */
  private static final int ARGUMENTS = 29;

  /**
   * A kernel with the blocks that it is made for.
   *
   * @param vectors most query vectors of a block
   * @param sharedBytes dynamic shared memory of a block
   */
  record Variant(KernelModule.Kernel kernel, int vectors, int threads, int sharedBytes) {}

  /** Kernels for heads of up to so many elements. */
  private record Size(int headDim, Variant few, Variant many) {}

  private static final int PLAIN_VECTORS = 16;
  private static final int PLAIN_THREADS = 128;
  private static final int MOST_HEAD_DIM = 256;

  private final Map<DType, List<Size>> sizes = new EnumMap<>(DType.class);

  AttentionKernels(KernelModule module) {
    for (DType type : List.of(DType.BF16, DType.F16)) {
      sizes.put(
          type,
          List.of(
              size(module, type, 64, 8, 1),
              size(module, type, 96, 8, 1),
              size(module, type, 128, 8, 1),
              size(module, type, 256, 2, 2)));
    }
    int bytes = PLAIN_VECTORS * MOST_HEAD_DIM * Float.BYTES;
    Variant plain =
        new Variant(
            module.kernel("attentionF32", ARGUMENTS, bytes), PLAIN_VECTORS, PLAIN_THREADS, bytes);
    sizes.put(DType.F32, List.of(new Size(MOST_HEAD_DIM, plain, plain)));
  }

  /** As {@code TILED_FOR_ALL} in {@code tiled.cuh} has it: warps by rows and sides. */
  private static Size size(KernelModule module, DType type, int headDim, int rows, int sides) {
    String suffix = (type == DType.BF16 ? "Bf16" : "F16") + headDim;
    return new Size(
        headDim,
        tiled(module, "attentionFew" + suffix, headDim, 1, 4),
        tiled(module, "attentionMany" + suffix, headDim, rows, sides));
  }

  private static Variant tiled(KernelModule module, String name, int headDim, int rows, int sides) {
    int bytes = sharedBytes(headDim, rows, sides);
    KernelModule.Kernel kernel = module.kernel(name, ARGUMENTS, bytes);
    return new Variant(kernel, 16 * rows, 32 * rows * sides, bytes);
  }

  /**
   * {@code Tiled::DYNAMIC} in {@code tiled_layout.cuh}: keys and values of two tiles, queries,
   * weights.
   */
  private static int sharedBytes(int headDim, int rows, int sides) {
    int keys = headDim > 128 ? 32 : 64;
    int pitch = headDim % 64 == 0 ? 2 * headDim : 2 * headDim + 16;
    int weights = sides > 1 ? 16 * rows * (2 * keys + 16) : 0;
    return (4 * keys + 16 * rows) * pitch + weights;
  }

  /** The kernel for a storage type, heads of so many elements and so many vectors of a KV head. */
  Variant find(DType type, int headDim, int vectors) {
    for (Size size : sizes.getOrDefault(type, List.of())) {
      if (headDim <= size.headDim()) {
        return vectors <= size.few().vectors() ? size.few() : size.many();
      }
    }
    throw new IllegalArgumentException("no attention over heads of " + headDim + " in " + type);
  }
}
