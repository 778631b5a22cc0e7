package dev.kappa.roofline;

/** A machine with what its software achieves on it, by rating or by measurement. */
public sealed interface Machine {

  /** For people. */
  String name();

  /** Achieved rates, such that the formulas of {@link Roofline} give what the machine takes. */
  HardwareProfile profile();

  /**
   * Achieved rates, such that kernels and copies add up to what the machine takes: for those who
   * time each by its own work, of which the formulas leave out some and count some too much.
   */
  HardwareProfile kernels();

  /** Memory of the device. */
  long deviceBytes();

  /** Where the rates come from. */
  String source();

  /**
   * A machine that is known from data sheets.
   *
   * @param gpu its GPU
   * @param link between host memory and GPU
   * @param precision of matrix products
   * @param computeShare share of peak FLOP/s that a prefill is assumed to achieve
   */
  record Rated(Gpu gpu, Link link, Precision precision, double computeShare) implements Machine {

    /**
     * Half of the peak. By the formula of {@link ModelShape#flops} vLLM reaches 0.62 to 0.73 with
     * Llama-3.1-8B on an H100 (blog of 2026-01-08), where the formula counts embeddings too.
     */
    public static final double COMPUTE_SHARE = 0.5;

    /** Of peak, for kernels that only move data; STREAM reaches 0.9 and more on these GPUs. */
    private static final double MEMORY_SHARE = 0.9;

    /** Assumed, about what CUDA takes to launch a kernel and to start a copy. */
    private static final long LAUNCH_NANOS = 3000;

    private static final long COPY_NANOS = 10_000;

    public Rated {
      if (!(computeShare > 0 && computeShare <= 1)) {
        throw new IllegalArgumentException(computeShare + " of the peak FLOP/s");
      }
      if (gpu.peakFlopsPerSecond(precision) == 0) {
        throw new IllegalArgumentException(gpu.title() + " does not compute in " + precision);
      }
    }

    /** With the link that the GPU comes with, in bf16. */
    public static Rated of(Gpu gpu) {
      return new Rated(gpu, gpu.link(), Precision.BF16, COMPUTE_SHARE);
    }

    @Override
    public String name() {
      return gpu.title() + ", " + link.title();
    }

    @Override
    public HardwareProfile profile() {
      return new HardwareProfile(
          name(),
          gpu.peakFlopsPerSecond(precision) * computeShare,
          link.toDeviceBytesPerSecond(),
          link.toHostBytesPerSecond(),
          gpu.memoryBytesPerSecond() * MEMORY_SHARE,
          LAUNCH_NANOS,
          COPY_NANOS);
    }

    /** The same, as neither is known better. */
    @Override
    public HardwareProfile kernels() {
      return profile();
    }

    @Override
    public long deviceBytes() {
      return gpu.memoryBytes();
    }

    @Override
    public String source() {
      return gpu.source() + "; " + link.source();
    }
  }

  /**
   * A machine whose rates were measured.
   *
   * @param source what was measured and how
   */
  record Measured(HardwareProfile profile, HardwareProfile kernels, long deviceBytes, String source)
      implements Machine {

    /**
     * From a prefill's speed: C is the work of that prefill by {@link ModelShape#flops} over its
     * time, so that times of similar prefills come out as measured.
     *
     * @param basis gives what was not measured
     * @param promptTokens length of the prompt that was computed
     * @param tokensPerSecond how fast it was computed
     * @param linkBytesPerSecond of large copies to the device
     */
    public static Measured of(
        Machine basis,
        ModelShape model,
        long promptTokens,
        double tokensPerSecond,
        double linkBytesPerSecond) {
      double flops = model.flops(promptTokens, 0) * tokensPerSecond / promptTokens;
      HardwareProfile rest = basis.profile();
      HardwareProfile profile =
          new HardwareProfile(
              basis.name() + ", as measured",
              flops,
              linkBytesPerSecond,
              rest.deviceToHostBytesPerSecond(),
              rest.deviceMemoryBytesPerSecond(),
              rest.kernelLaunchNanos(),
              rest.copyLatencyNanos());
      return new Measured(
          profile,
          profile,
          basis.deviceBytes(),
          "measured prefill and link; the rest: " + basis.source());
    }

    @Override
    public String name() {
      return profile.name();
    }
  }
}
