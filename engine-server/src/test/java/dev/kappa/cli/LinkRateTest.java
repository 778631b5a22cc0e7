package dev.kappa.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine.TypeConversionException;

class LinkRateTest {

  @ParameterizedTest
  @CsvSource({
    "1, 1",
    "50000000, 50000000",
    "12B, 12",
    "1.5kB/s, 1500",
    "1.5KB/s, 1500",
    "500MB/s, 500000000",
    "500 MB/s, 500000000",
    "0.05GB/s, 50000000",
    "0.05GB, 50000000",
    "64GiB/s, 68719476736",
    "1000TB/s, 1000000000000000"
  })
  void isReadInBytesPerSecond(String text, long bytes) {
    assertThat(new LinkRate().convert(text)).isEqualTo(bytes);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "", "GB/s", "-1", "-1GB/s", "1e9", "5Gb/s", "5gb/s", "5G", "5GB/h", "5GB/", "1.GB", ".5GB",
        "5iB/s", "0x10", "NaN", "٣GB/s", "5 GB /s"
      })
  void isRefusedInAnyOtherForm(String text) {
    assertThatThrownBy(() -> new LinkRate().convert(text))
        .isInstanceOf(TypeConversionException.class)
        .hasMessage("'" + text + "' is not a rate such as 0.05GB/s, 500MB/s or 50000000");
  }

  @ParameterizedTest
  @ValueSource(strings = {"0", "0GB/s", "0.4", "1001TB/s", "999999999999999TB"})
  void isBounded(String text) {
    assertThatThrownBy(() -> new LinkRate().convert(text))
        .isInstanceOf(TypeConversionException.class)
        .hasMessageContaining("between 1 byte and 1000 TB");
  }
}
