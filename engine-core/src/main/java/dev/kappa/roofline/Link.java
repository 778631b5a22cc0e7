package dev.kappa.roofline;

/**
 * A link between host and device memory, 16 lanes wide where it is PCIe.
 *
 * <p>PCIe moves at most 256 bytes of content per packet to and from NVIDIA's GPUs, with some 26
 * bytes around them, and up to generation 5 loses 2 of 130 bits to its line code: 0.89 of the raw
 * rate, which is also what has been measured on generation 5.
 */
public enum Link {
  PCIE3(
      "pcie3",
      "PCIe 3 x16",
      16e9,
      0.89,
      0.84,
      "8 GT/s per lane, PCI-SIG; shares: assumed to be those of PCIe 5"),
  PCIE4(
      "pcie4",
      "PCIe 4 x16",
      32e9,
      0.89,
      0.84,
      "16 GT/s per lane, PCI-SIG; shares: assumed to be those of PCIe 5"),
  PCIE5(
      "pcie5",
      "PCIe 5 x16",
      64e9,
      0.89,
      0.836,
      "32 GT/s per lane, PCI-SIG; shares: 57.0 and 53.5 GB/s measured with pinned memory on an"
          + " H100 SXM5 (vLLM's blog of 2026-01-08 shows 51 GB/s for pieces of 16 MB)"),
  PCIE6(
      "pcie6",
      "PCIe 6 x16",
      128e9,
      0.89,
      0.84,
      "64 GT/s per lane, PCI-SIG; shares: assumed to be those of PCIe 5"),
  C2C(
      "c2c",
      "NVLink-C2C",
      450e9,
      0.833,
      0.66,
      "900 GB/s in both directions together, NVIDIA GH200 data sheet; shares: 375 and 297 GB/s"
          + " measured on a GH200, arXiv 2407.07850");

  private final String id;
  private final String title;
  private final double nominal;
  private final double toDevice;
  private final double toHost;
  private final String source;

  Link(String id, String title, double nominal, double toDevice, double toHost, String source) {
    this.id = id;
    this.title = title;
    this.nominal = nominal;
    this.toDevice = toDevice;
    this.toHost = toHost;
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

  /** Raw bytes per second and direction. */
  public double nominalBytesPerSecond() {
    return nominal;
  }

  /** What large copies from pinned host memory reach. */
  public double toDeviceBytesPerSecond() {
    return nominal * toDevice;
  }

  /** What large copies to pinned host memory reach. */
  public double toHostBytesPerSecond() {
    return nominal * toHost;
  }

  /** Where the figures come from. */
  public String source() {
    return source;
  }
}
