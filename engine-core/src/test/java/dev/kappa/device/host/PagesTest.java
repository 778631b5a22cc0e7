package dev.kappa.device.host;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.kappa.device.DeviceException;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Memory as Linux sees it. */
class PagesTest {

  private static final Path PAGEMAP = Path.of("/proc/self/pagemap");
  private static final long MIB = 1 << 20;

  @BeforeEach
  void needsLinux() {
    assumeTrue(HugePages.AVAILABLE && Files.isReadable(PAGEMAP));
  }

  /** Small pages of a range that are in memory or in swap, see {@code pagemap.rst}. */
  private static long present(MemorySegment memory) throws IOException {
    long found = 0;
    try (RandomAccessFile map = new RandomAccessFile(PAGEMAP.toFile(), "r")) {
      for (long at = memory.address(); at < memory.address() + memory.byteSize(); at += 4096) {
        map.seek(at / 4096 * Long.BYTES);
        long entry = Long.reverseBytes(map.readLong());
        found += (entry >>> 62) != 0 ? 1 : 0;
      }
    }
    return found;
  }

  @ParameterizedTest
  @ValueSource(longs = {2 * MIB, 5 * MIB + 1, 70 * MIB})
  void populatesLargeMemory(long bytes) throws IOException {
    try (Pages pages = Pages.populate(bytes)) {
      assertThat(present(pages.segment())).isEqualTo(Math.ceilDiv(bytes, 4096));
      assertThat(pages.segment().get(ValueLayout.JAVA_BYTE, bytes - 1)).isZero();
    }
  }

  @Test
  void leavesOtherLargeMemoryToItsFirstUse() throws IOException {
    try (Pages pages = Pages.allocate(8 * MIB)) {
      assertThat(present(pages.segment())).isZero();
      HugePages.touch(pages.segment());
      assertThat(present(pages.segment())).isEqualTo(8 * MIB / 4096);
    }
  }

  @Test
  void mapsWholeHugePagesAndNoMore() throws IOException {
    try (Pages pages = Pages.allocate(5 * MIB)) {
      assertThat(pages.address() % HugePages.SIZE).isZero();
      assertThat(pages.segment().byteSize()).isEqualTo(5 * MIB);
      String start = Long.toHexString(pages.address());
      String end = Long.toHexString(pages.address() + 6 * MIB);
      assertThat(Files.readAllLines(Path.of("/proc/self/maps")))
          .anyMatch(line -> line.startsWith(start + "-" + end + " "));
    }
  }

  @Test
  void refusesWhatCannotBePopulated() {
    // Linux maps nothing this low.
    MemorySegment unmapped = MemorySegment.ofAddress(4096).reinterpret(4096);
    assertThatThrownBy(() -> HugePages.populate(unmapped))
        .isInstanceOf(DeviceException.class)
        .hasMessageContaining("4096");
  }
}
