package dev.kappa.roofline;

/**
 * GPUs as their makers rate them: arithmetic without sparsity, products in bf16 or fp8 summed in
 * f32.
 */
public enum Gpu {
  A100_40(
      "a100-40",
      "A100 SXM 40 GB",
      new Rates(312e12, 0, 1555e9, 40, 400),
      Link.PCIE4,
      "NVIDIA A100 data sheet, 2020"),
  A100_80(
      "a100-80",
      "A100 SXM 80 GB",
      new Rates(312e12, 0, 2039e9, 80, 400),
      Link.PCIE4,
      "NVIDIA A100 data sheet, 2021"),
  H100_SXM(
      "h100",
      "H100 SXM",
      new Rates(989e12, 1979e12, 3350e9, 80, 700),
      Link.PCIE5,
      "NVIDIA H100 data sheet, 2023; half of the figures with sparsity"),
  H100_PCIE(
      "h100-pcie",
      "H100 PCIe",
      new Rates(756e12, 1513e12, 2000e9, 80, 350),
      Link.PCIE5,
      "NVIDIA H100 data sheet, 2023; half of the figures with sparsity"),
  H200(
      "h200",
      "H200 SXM",
      new Rates(989e12, 1979e12, 4800e9, 141, 700),
      Link.PCIE5,
      "NVIDIA H200 data sheet, 2024; half of the figures with sparsity"),
  B200(
      "b200",
      "B200",
      new Rates(2250e12, 4500e12, 8000e9, 180, 1000),
      Link.PCIE5,
      "NVIDIA DGX B200 data sheet, 2024, an eighth of the system; half of the figures with"
          + " sparsity"),
  GH200(
      "gh200",
      "GH200 96 GB",
      new Rates(989e12, 1979e12, 4000e9, 96, 1000),
      Link.C2C,
      "NVIDIA GH200 data sheet, 2023; half of the figures with sparsity; power of the whole"
          + " superchip, set to between 450 and 1000 W"),
  L4(
      "l4",
      "L4",
      new Rates(121e12, 242e12, 300e9, 24, 72),
      Link.PCIE4,
      "NVIDIA L4 data sheet, 2023; half of the figures with sparsity"),
  L40S(
      "l40s",
      "L40S",
      new Rates(362e12, 733e12, 864e9, 48, 350),
      Link.PCIE4,
      "NVIDIA L40S data sheet, 2023"),
  RTX_4090(
      "rtx4090",
      "RTX 4090",
      new Rates(165.2e12, 330.3e12, 1008e9, 24, 450),
      Link.PCIE4,
      "NVIDIA Ada architecture white paper, 2022, appendix A");

  /**
   * What a data sheet says.
   *
   * @param bf16 FLOP/s
   * @param fp8 FLOP/s; 0 if it has none
   * @param memory bytes of device memory per second
   * @param gib size of that memory
   * @param watts thermal design power
   */
  private record Rates(double bf16, double fp8, double memory, int gib, int watts) {}

  private final String id;
  private final String title;
  private final Rates rates;
  private final Link link;
  private final String source;

  Gpu(String id, String title, Rates rates, Link link, String source) {
    this.id = id;
    this.title = title;
    this.rates = rates;
    this.link = link;
    this.source = source;
  }

  /** A short name for command lines. */
  public String id() {
    return id;
  }

  /** A name for people. */
  public String title() {
    return title;
  }

  /** Peak FLOP/s of dense matrices; 0 if the GPU does not compute in such a precision. */
  public double peakFlopsPerSecond(Precision precision) {
    return precision == Precision.FP8 ? rates.fp8 : rates.bf16;
  }

  /** Peak bytes of device memory per second. */
  public double memoryBytesPerSecond() {
    return rates.memory;
  }

  /** Device memory, sold in GB, which are GiB less what the driver keeps. */
  public long memoryBytes() {
    return (long) rates.gib << 30;
  }

  /** Thermal design power. */
  public int watts() {
    return rates.watts;
  }

  /** The link that it comes with. */
  public Link link() {
    return link;
  }

  /** Where the figures come from. */
  public String source() {
    return source;
  }
}
