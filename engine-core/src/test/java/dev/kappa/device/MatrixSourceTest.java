package dev.kappa.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class MatrixSourceTest {

  private static MemorySegment floats(int count) {
    return MemorySegment.ofArray(new float[count]);
  }

  @Test
  void countsTheRowsOfAllParts() {
    MatrixSource source = new MatrixSource(DType.F32, 10, List.of(floats(30), floats(50)));
    assertThat(source.rows()).isEqualTo(8);
    assertThat(source.parts()).hasSize(2);
  }

  @Test
  void refusesPartsOfOtherWidths() {
    assertThatThrownBy(() -> new MatrixSource(DType.F32, 10, List.of(floats(31))))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("124 bytes");
  }

  @Test
  void makesItsBytesOnlyWhenAskedAndChecksThem() {
    AtomicInteger asked = new AtomicInteger();
    MatrixSource source =
        new MatrixSource(
            DType.F32,
            4,
            10,
            () -> {
              asked.incrementAndGet();
              return List.of(floats(30));
            });
    assertThat(source.rows()).isEqualTo(4);
    assertThat(asked).hasValue(0);
    assertThatThrownBy(source::parts)
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("4 rows");
    assertThat(asked).hasValue(1);
  }
}
