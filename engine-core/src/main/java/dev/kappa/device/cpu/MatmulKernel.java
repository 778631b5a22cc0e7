package dev.kappa.device.cpu;

import dev.kappa.device.Encoding;
import org.jspecify.annotations.Nullable;

/**
 * Matrix products with packed weights. One row is multiplied panel by panel straight from memory.
 * Several rows are first packed into tiles; then work is claimed in groups of panels, and done in
 * blocks of {@link TileKernel#DEPTH} inputs: the group's weights are widened into the L2 cache, and
 * every tile of rows passes over them (Goto and van de Geijn, "Anatomy of high-performance matrix
 * multiplication", 2008). Partial sums wait in the output.
 */
final class MatmulKernel {

  /** Most panels of a group: 512 KiB of floats for a block of inputs. */
  static final int PANELS = 8;

  /** Most rows of one pass over the weights, which bounds the packed rows' memory. */
  private static final int PASS = 576;

  /** Inputs of a block where there is one tile of rows: 16 KiB of a panel. */
  private static final int FEW_DEPTH = 128;

  /** Weight bytes that a thread claims at a time when there is one row. */
  private static final long ROW_CHUNK = 128 << 10;

  /** Claims per thread, so that threads of unequal luck end together. */
  private static final int CLAIMS_PER_THREAD = 2;

  private MatmulKernel() {}

  /** Computes {@code out[rows][weight.rows()] = in[rows][weight.columns()] · weightᵀ}. */
  static void run(
      WorkerPool pool, Scratch scratch, long in, int rows, PackedMatrix weight, long out) {
    run(pool, scratch, in, null, 0, rows, weight, out);
  }

  /**
   * The same with rows from anywhere.
   *
   * @param indices where in {@code in} each row lies, from {@code first} on; null for {@code first}
   *     and those that follow
   */
  static void run(
      WorkerPool pool,
      Scratch scratch,
      long in,
      int @Nullable [] indices,
      int first,
      int rows,
      PackedMatrix weight,
      long out) {
    if (rows == 1) {
      int index = indices == null ? first : indices[first];
      row(pool, scratch, in + 4L * index * weight.columns(), weight, out);
      return;
    }
    int passes = Math.ceilDiv(rows, PASS);
    int pass =
        Math.ceilDiv(Math.ceilDiv(rows, Math.max(1, passes)), TileKernel.ROWS) * TileKernel.ROWS;
    for (int row = 0; row < rows; row += pass) {
      PackedRows packed = scratch.packedRows();
      int count = Math.min(pass, rows - row);
      packed.reset(in, indices, first + row, count, weight.columns());
      pass(pool, scratch, packed, count, weight, out + 4L * row * weight.rows());
    }
  }

  private static void row(
      WorkerPool pool, Scratch scratch, long in, PackedMatrix weight, long out) {
    int panels = weight.panels();
    // Even, as panels of F16 go in pairs.
    int group = Math.clamp(ROW_CHUNK / weight.meanPanelBytes() / 2 * 2, 1, panels);
    pool.run(
        scratch,
        Math.ceilDiv(panels, group),
        (own, item) -> {
          int end = Math.min((item + 1) * group, panels);
          long sums = own.sums();
          for (int panel = item * group, count; panel < end; panel += count) {
            // Chains side by side, or each step would wait for the one before it.
            count = panel + 1 < end && isF16(weight, panel) && isF16(weight, panel + 1) ? 2 : 1;
            Elements.zero(sums, count * TileKernel.PANEL);
            if (isF16(weight, panel)) {
              f16(own, in, weight, panel, count, sums);
            } else {
              MatvecKernel.add(
                  in,
                  weight.encoding(panel),
                  weight.address(panel),
                  weight.columns(),
                  own.weights(),
                  sums);
            }
            for (int i = 0; i < count; i++) {
              long to = out + 4L * weight.firstRow(panel + i);
              Elements.copy(sums + i * TileKernel.B_PITCH, to, weight.width(panel + i));
            }
          }
        });
  }

  private static boolean isF16(PackedMatrix weight, int panel) {
    return weight.encoding(panel) == Encoding.F16;
  }

  /** One row times one panel of F16, or two, a few columns at a time. */
  private static void f16(
      Scratch own, long in, PackedMatrix weight, int panel, int count, long sums) {
    int columns = weight.columns();
    int most = FEW_DEPTH / count;
    for (int k = 0; k < columns; k += most) {
      int depth = Math.min(most, columns - k);
      long first = own.weights();
      long second = first + most * TileKernel.B_PITCH;
      PanelExpander.expand(Encoding.F16, weight.address(panel), k, depth, first);
      if (count == 1) {
        MatvecKernel.addF32(in + 4L * k, first, depth, sums);
      } else {
        PanelExpander.expand(Encoding.F16, weight.address(panel + 1), k, depth, second);
        MatvecKernel.addF32(in + 4L * k, first, second, depth, sums);
      }
    }
  }

  private static void pass(
      WorkerPool pool,
      Scratch scratch,
      PackedRows packed,
      int rows,
      PackedMatrix weight,
      long out) {
    pool.run(scratch, packed.tiles(), (own, tile) -> packed.pack(tile));
    int panels = weight.panels();
    int claim = Math.max(1, Math.ceilDiv(panels, pool.threads() * CLAIMS_PER_THREAD));
    // Few rows gain nothing from a large group; a small one stays in the L1 cache.
    boolean few = packed.tiles() == 1;
    int group = few ? 1 : PANELS;
    int depth = few ? FEW_DEPTH : TileKernel.DEPTH;
    pool.run(
        scratch,
        Math.ceilDiv(panels, claim),
        (own, item) -> {
          int end = Math.min((item + 1) * claim, panels);
          // Blocks of inputs outside, so that the rows' block stays in the cache.
          for (int k = 0; k < weight.columns(); k += depth) {
            for (int first = item * claim; first < end; first += group) {
              int last = Math.min(first + group, end);
              new Group(own, packed, rows, weight, first, last, out)
                  .run(k, Math.min(depth, weight.columns() - k));
            }
          }
        });
  }

  /** Several rows times the panels {@code [first, end)}. */
  private record Group(
      Scratch scratch, PackedRows in, int rows, PackedMatrix weight, int first, int end, long out) {

    /** Adds the products of {@code depth} inputs from the {@code k}-th on. */
    void run(int k, int depth) {
      for (int panel = first; panel < end; panel++) {
        Encoding encoding = weight.encoding(panel);
        if (encoding != Encoding.F32) {
          PanelExpander.expand(encoding, weight.address(panel), k, depth, widened(panel));
        }
      }
      for (int tile = 0; tile < in.tiles(); tile++) {
        tile(k, depth, tile);
      }
    }

    private void tile(int k, int depth, int tile) {
      int row = tile * TileKernel.ROWS;
      int present = Math.min(TileKernel.ROWS, rows - row);
      int height = TileKernel.height(present);
      int a = in.at(k, tile);
      long pitch = (long) weight.rows() * Float.BYTES;
      for (int panel = first; panel < end; panel++) {
        long c = out + row * pitch + 4L * weight.firstRow(panel);
        long b = floats(panel, k);
        if (present == height && weight.width(panel) == TileKernel.PANEL) {
          if (k == 0) {
            clear(c, pitch, height);
          }
          TileKernel.multiplyAdd(height, in.elements(), a, b, depth, c, pitch);
        } else {
          edge(k, height, a, b, depth, c, pitch, present, weight.width(panel));
        }
      }
    }

    /** A tile that hangs over the matrix: summed up elsewhere, of which a part counts. */
    private void edge(
        int k, int height, int a, long b, int depth, long c, long pitch, int present, int width) {
      long sums = scratch.sums();
      clear(sums, TileKernel.B_PITCH, height);
      for (int r = 0; k > 0 && r < present; r++) {
        Elements.copy(c + r * pitch, sums + r * TileKernel.B_PITCH, width);
      }
      TileKernel.multiplyAdd(height, in.elements(), a, b, depth, sums, TileKernel.B_PITCH);
      for (int r = 0; r < present; r++) {
        Elements.copy(sums + r * TileKernel.B_PITCH, c + r * pitch, width);
      }
    }

    private static void clear(long c, long pitch, int height) {
      for (int r = 0; r < height; r++) {
        Elements.zero(c + r * pitch, TileKernel.PANEL);
      }
    }

    /** Where a panel's columns lie as floats from the k-th on. */
    private long floats(int panel, int k) {
      return weight.encoding(panel) == Encoding.F32
          ? weight.address(panel) + k * TileKernel.B_PITCH
          : widened(panel);
    }

    private long widened(int panel) {
      return scratch.weights() + (long) (panel - first) * TileKernel.DEPTH * TileKernel.B_PITCH;
    }
  }
}
