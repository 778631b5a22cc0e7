package dev.kappa.device.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kappa.device.host.Pages;
import org.junit.jupiter.api.Test;

class HalfTest {

  private static final int ALL = 1 << 16;

  @Test
  void widensEveryF16Exactly() {
    try (Pages pages = Pages.allocate(4L * ALL)) {
      for (int bits = 0; bits < ALL; bits++) {
        Raw.putInt(pages.address() + 4L * bits, bits << 16);
      }
      Half.widenF16(pages.address(), ALL);
      for (int bits = 0; bits < ALL; bits++) {
        float expected = Float.float16ToFloat((short) bits);
        float found = Raw.getFloat(pages.address() + 4L * bits);
        if (Float.isNaN(expected)) {
          assertThat(found).isNaN();
        } else {
          assertThat(Float.floatToRawIntBits(found)).isEqualTo(Float.floatToRawIntBits(expected));
        }
      }
    }
  }

  @Test
  void roundsToTheNearestBf16TiesToEven() {
    assertThat(bf16(0x3f80_7fff)).isEqualTo(0x3f80);
    assertThat(bf16(0x3f80_8000)).isEqualTo(0x3f80);
    assertThat(bf16(0x3f81_8000)).isEqualTo(0x3f82);
    assertThat(bf16(0x3f80_8001)).isEqualTo(0x3f81);
    assertThat(bf16(0x7f7f_ffff)).as("too large").isEqualTo(0x7f80);
    assertThat(bf16(0x8000_0000)).isEqualTo(0x8000);
    assertThat(Half.fromBf16(Half.toBf16(Float.intBitsToFloat(0x7f80_0001)))).isNaN();
    assertThat(Half.fromBf16(Half.toBf16(Float.intBitsToFloat(0x7fff_ffff)))).isNaN();
  }

  private static int bf16(int bits) {
    return Half.toBf16(Float.intBitsToFloat(bits)) & 0xffff;
  }
}
