package dev.kappa.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kappa.device.MatrixSource.Part;
import dev.kappa.device.MatrixSource.Range;
import java.lang.foreign.MemorySegment;
import java.util.List;
import org.junit.jupiter.api.Test;

class EncodingTest {

  @Test
  void knowsItsSizes() {
    assertThat(Encoding.F32.bytes(5)).isEqualTo(20);
    assertThat(Encoding.Q8_0.bytes(64)).isEqualTo(68);
    assertThat(Encoding.Q4_0.bytes(64)).isEqualTo(36);
    assertThat(Encoding.Q4_K.bytes(512)).isEqualTo(288);
    assertThat(Encoding.Q6_K.bytes(512)).isEqualTo(420);
    assertThatThrownBy(() -> Encoding.Q4_K.bytes(32))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("no whole blocks of 256");
    for (DType dtype : DType.values()) {
      assertThat(Encoding.of(dtype).dtype()).isEqualTo(dtype);
      assertThat(Encoding.of(dtype).bytes(7)).isEqualTo(7L * dtype.bytes());
    }
    assertThatThrownBy(Encoding.Q6_K::dtype).isInstanceOf(IllegalStateException.class);
  }

  @Test
  void sourcesAnnounceEncodingsByRows() {
    List<Range> ranges = List.of(new Range(Encoding.Q8_0, 2), new Range(Encoding.F16, 3));
    MemorySegment blocks = MemorySegment.ofArray(new byte[68]);
    MemorySegment halves = MemorySegment.ofArray(new byte[192]);
    Part first = new Part(Encoding.Q8_0, blocks);
    Part second = new Part(Encoding.F16, halves);
    MatrixSource source = new MatrixSource(1, 32, ranges, () -> List.of(first, second));
    assertThat(source.rows()).isEqualTo(5);
    assertThat(source.bytes()).isEqualTo(68 + 192);
    assertThat(source.parts()).containsExactly(first, second);
    assertThatThrownBy(new MatrixSource(1, 32, ranges, () -> List.of(second, first))::parts)
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("announced");
    assertThatThrownBy(new MatrixSource(2, 32, ranges, () -> List.of(first, second))::parts)
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("10 rows");
    assertThatThrownBy(() -> new MatrixSource(1, 40, ranges, List::of))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("Q8_0");
  }
}
