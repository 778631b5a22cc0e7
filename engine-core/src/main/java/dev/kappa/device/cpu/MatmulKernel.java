package dev.kappa.device.cpu;

import dev.kappa.device.DType;

/**
 * Matrix products with packed weights. Work is claimed in groups of panels. For several rows a
 * group is done in blocks of {@link TileKernel#DEPTH} inputs: the group's weights are widened into
 * the L2 cache, then every tile of rows passes over them from the L1 cache (Goto and van de Geijn,
 * "Anatomy of high-performance matrix multiplication", 2008). Partial sums wait in the output.
 */
final class MatmulKernel {

  /** Most panels of a group: 256 KiB of floats for a block of inputs. */
  static final int PANELS = 8;

  /** Weight bytes that a thread claims at a time when there is one row. */
  private static final long ROW_CHUNK = 128 << 10;

  /** Groups per thread, so that threads of unequal luck end together. */
  private static final int GROUPS_PER_THREAD = 4;

  private MatmulKernel() {}

  /** Computes {@code out[rows][weight.rows()] = in[rows][weight.columns()] · weightᵀ}. */
  static void run(
      WorkerPool pool, Scratch scratch, long in, int rows, PackedWeight weight, long out) {
    if (rows == 0) {
      return;
    }
    int panels = weight.panels();
    int group =
        rows == 1
            ? (int) Math.clamp(ROW_CHUNK / weight.panelBytes(), 1, panels)
            : Math.clamp(panels / (pool.threads() * GROUPS_PER_THREAD), 1, PANELS);
    pool.run(
        scratch,
        Math.ceilDiv(panels, group),
        (own, item) -> {
          int first = item * group;
          int end = Math.min(first + group, panels);
          if (rows == 1) {
            row(own, in, weight, first, end, out);
          } else {
            new Group(own, in, rows, weight, first, end, out).run();
          }
        });
  }

  private static void row(
      Scratch scratch, long in, PackedWeight weight, int first, int end, long out) {
    for (int panel = first; panel < end; panel++) {
      long from = weight.address() + panel * weight.panelBytes();
      long to = out + (long) panel * TileKernel.B_PITCH;
      int width = Math.min(TileKernel.PANEL, weight.rows() - panel * TileKernel.PANEL);
      long target = width == TileKernel.PANEL ? to : scratch.edge();
      if (weight.dtype() == DType.F32) {
        Raw.zero(target, TileKernel.B_PITCH);
        TileKernel.multiplyAdd(1, in, from, weight.columns(), target, 0);
      } else {
        MatvecKernel.multiply(weight.dtype(), in, from, weight.columns(), target);
      }
      if (target != to) {
        Raw.copy(target, to, (long) width * Float.BYTES);
      }
    }
  }

  /** Several rows times the panels {@code [first, end)}. */
  private record Group(
      Scratch scratch, long in, int rows, PackedWeight weight, int first, int end, long out) {

    void run() {
      for (int k = 0; k < weight.columns(); k += TileKernel.DEPTH) {
        int depth = Math.min(TileKernel.DEPTH, weight.columns() - k);
        widen(k, depth);
        for (int row = 0; row < rows; row += TileKernel.ROWS) {
          tile(k, depth, row);
        }
      }
    }

    private void widen(int k, int depth) {
      if (weight.dtype() != DType.F32) {
        for (int panel = first; panel < end; panel++) {
          PanelExpander.expand(weight.dtype(), source(panel, k), widened(panel), depth);
        }
      }
    }

    private void tile(int k, int depth, int row) {
      int present = Math.min(TileKernel.ROWS, rows - row);
      int height = TileKernel.height(present);
      long a = scratch.tile();
      long inPitch = (long) weight.columns() * Float.BYTES;
      for (int r = 0; r < present; r++) {
        Elements.copy(in + (row + r) * inPitch + 4L * k, a + r * TileKernel.A_PITCH, depth);
      }
      for (int panel = first; panel < end; panel++) {
        long b = weight.dtype() == DType.F32 ? source(panel, k) : widened(panel);
        int width = Math.min(TileKernel.PANEL, weight.rows() - panel * TileKernel.PANEL);
        long outPitch = (long) weight.rows() * Float.BYTES;
        long c = out + row * outPitch + panel * TileKernel.B_PITCH;
        if (k == 0) {
          for (int r = 0; r < present; r++) {
            Elements.zero(c + r * outPitch, width);
          }
        }
        if (present == height && width == TileKernel.PANEL) {
          TileKernel.multiplyAdd(height, a, b, depth, c, outPitch);
        } else {
          edge(height, a, b, depth, c, outPitch, present, width);
        }
      }
    }

    /** A tile that hangs over the matrix: computed in scratch, of which only a part counts. */
    private void edge(
        int height, long a, long b, int depth, long c, long pitch, int present, int width) {
      long edge = scratch.edge();
      for (int r = 0; r < present; r++) {
        Elements.copy(c + r * pitch, edge + r * TileKernel.B_PITCH, width);
      }
      TileKernel.multiplyAdd(height, a, b, depth, edge, TileKernel.B_PITCH);
      for (int r = 0; r < present; r++) {
        Elements.copy(edge + r * TileKernel.B_PITCH, c + r * pitch, width);
      }
    }

    private long source(int panel, int k) {
      return weight.address() + panel * weight.panelBytes() + k * weight.columnBytes();
    }

    private long widened(int panel) {
      return scratch.weights() + (panel - first) * TileKernel.A_PITCH * TileKernel.PANEL;
    }
  }
}
