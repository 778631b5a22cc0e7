package dev.kappa.cuda;

import dev.kappa.device.DeviceException;
import dev.kappa.device.Experts;
import dev.kappa.device.Router;
import dev.kappa.device.Weight;

/**
 * Launches of a mixture of experts. Which expert has how many rows is never known to the host: its
 * kernels look it up, so that no layer waits for the host.
 */
final class ExpertCalls {

  /** Most experts of a layer, and most of them that a row goes to, in {@code routing.cu}. */
  private static final int MOST_EXPERTS = 1024;

  private static final int MOST_PER_TOKEN = 32;

  private static final int WARP = 32;
  private static final int ROUTE_THREADS = 128;
  private static final int SORT_THREADS = 256;
  private static final int PRODUCT_THREADS = 256;
  private static final int ACTIVATION = 2;

  /** Of each part of the scratch memory. */
  private static final long ALIGNMENT = 256;

  private final KernelModule kernels;

  ExpertCalls(KernelModule kernels) {
    this.kernels = kernels;
  }

  /**
   * Parts of the scratch memory, as offsets: where each expert's rows begin, the row of each place,
   * the place of each choice; gates and ups, in their place later the results; and what gates let
   * pass.
   */
  private record Layout(long rows, long places, long wide, long gated, long bytes) {

    static Layout of(Router router, int hidden, int intermediate, int rows) {
      long choices = (long) rows * router.perToken();
      long list = aligned(choices * Integer.BYTES);
      long rowsAt = aligned((router.experts() + 1L) * Integer.BYTES);
      long placesAt = rowsAt + list;
      long wideAt = placesAt + list;
      long columns = Math.max(2L * intermediate, hidden);
      long gatedAt = wideAt + aligned(choices * columns * ACTIVATION);
      long end = gatedAt + aligned(choices * intermediate * ACTIVATION);
      return new Layout(rowsAt, placesAt, wideAt, gatedAt, end);
    }

    private static long aligned(long bytes) {
      return Math.ceilDiv(bytes, ALIGNMENT) * ALIGNMENT;
    }
  }

  /** See {@link dev.kappa.device.Kernels#expertScratchBytes}. */
  static long scratchBytes(Router router, int hidden, int intermediate, int rows) {
    return Layout.of(router, hidden, intermediate, rows).bytes();
  }

  /** See {@link dev.kappa.device.Kernels#route}. */
  void route(CudaStream stream, long scores, int rows, Router router, long choices) {
    if (router.experts() > MOST_EXPERTS || router.perToken() > MOST_PER_TOKEN) {
      throw new DeviceException(
          "the CUDA device chooses up to %d of %d experts, not %d of %d"
              .formatted(MOST_PER_TOKEN, MOST_EXPERTS, router.perToken(), router.experts()));
    }
    stream
        .launch()
        .add(scores)
        .add(rows)
        .add(router.experts())
        .add(router.perToken())
        .add(router.normalized() ? 1 : 0)
        .add(choices)
        .run(kernels.routeRows, Math.ceilDiv(rows, ROUTE_THREADS / WARP), ROUTE_THREADS);
  }

  /** See {@link dev.kappa.device.Kernels#experts}. */
  void run(
      CudaStream stream, long in, int rows, Experts experts, long choices, long scratch, long out) {
    Router router = experts.router();
    Layout layout = Layout.of(router, experts.hidden(), experts.intermediate(), rows);
    int count = rows * router.perToken();
    long wide = scratch + layout.wide();
    long gated = scratch + layout.gated();
    stream
        .launch()
        .add(choices)
        .add(count)
        .add(router.perToken())
        .add(scratch)
        .add(scratch + layout.rows())
        .add(scratch + layout.places())
        .run(kernels.sortChoices, router.experts(), SORT_THREADS);
    multiply(stream, in, scratch + layout.rows(), scratch, experts.gateUp(), wide);
    CudaKernels.gate(
        kernels, stream, experts.activation(), wide, count, experts.intermediate(), gated);
    multiply(stream, gated, 0, scratch, experts.down(), wide);
    stream
        .launch()
        .add(wide)
        .add(choices)
        .add(scratch + layout.places())
        .add(router.perToken())
        .add(experts.hidden())
        .add(out)
        .run(kernels.combineExperts, rows, CudaKernels.threads(experts.hidden()));
  }

  private void multiply(
      CudaStream stream, long in, long rows, long starts, Weight weight, long out) {
    CudaWeight own = CudaWeight.of(weight);
    stream
        .launch()
        .add(in)
        .add(rows)
        .add(starts)
        .add(own.address())
        .add(own.rows())
        .add(own.columns())
        .add(out)
        .run(
            kernels.multiplyExperts,
            Math.ceilDiv(own.rows(), PRODUCT_THREADS / WARP),
            own.matrices(),
            1,
            PRODUCT_THREADS,
            0);
  }
}
