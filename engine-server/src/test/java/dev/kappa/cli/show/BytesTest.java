package dev.kappa.cli.show;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class BytesTest {

  @ParameterizedTest
  @CsvSource({
    "0, 0 B",
    "999, 999 B",
    "1000, 1.0 kB",
    "999949, 999.9 kB",
    "999950, 1.0 MB",
    "5906944, 5.9 MB",
    "9223372036854775807, 9223372.0 TB"
  })
  void areShownInUnitsOfAThousand(long bytes, String expected) {
    assertThat(Bytes.show(bytes)).isEqualTo(expected);
  }

  @ParameterizedTest
  @CsvSource({
    "0, 0 B",
    "1023, 1023 B",
    "1024, 1.0 KiB",
    "1048524, 1023.9 KiB",
    "1048525, 1.0 MiB",
    "8589934592, 8.0 GiB"
  })
  void areShownInUnitsOf1024WhereAsked(long bytes, String expected) {
    assertThat(Bytes.showBinary(bytes)).isEqualTo(expected);
  }
}
