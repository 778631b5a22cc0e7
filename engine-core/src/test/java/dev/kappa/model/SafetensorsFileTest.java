package dev.kappa.model;

import static dev.kappa.model.SafetensorsWriter.entry;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kappa.device.Encoding;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class SafetensorsFileTest {

  @TempDir private Path directory;
  private final Arena arena = Arena.ofAuto();
  private Path path;

  @BeforeEach
  void open() {
    path = directory.resolve("weights.safetensors");
  }

  @Test
  void readsTensorsOfEverySupportedType() {
    ByteBuffer data = ByteBuffer.allocate(16).order(ByteOrder.LITTLE_ENDIAN);
    data.putFloat(1.5f).putFloat(-2).putShort(Float.floatToFloat16(0.25f)).putShort((short) 0);
    data.putShort((short) (Float.floatToRawIntBits(3) >>> 16)).putShort((short) 0);
    SafetensorsFile file =
        map(
            "{\"__metadata__\":{\"format\":\"pt\"},%s,%s,%s}   "
                .formatted(
                    entry("c", "BF16", "[2]", 12, 16),
                    entry("a", "F32", "[2,1]", 0, 8),
                    entry("b", "F16", "[1,2]", 8, 12)),
            data.array());

    assertThat(file.names()).containsExactlyInAnyOrder("a", "b", "c");
    Checkpoint.Tensor a = file.tensor("a", arena);
    assertThat(a.encoding()).isEqualTo(Encoding.F32);
    assertThat(a.shape()).isEqualTo(List.of(2L, 1L));
    assertThat(a.source()).isEqualTo(path.toString());
    assertThat(a.data().toArray(ValueLayout.JAVA_FLOAT)).containsExactly(1.5f, -2);
    Checkpoint.Tensor b = file.tensor("b", arena);
    assertThat(b.encoding()).isEqualTo(Encoding.F16);
    assertThat(Float.float16ToFloat(b.data().get(ValueLayout.JAVA_SHORT, 0))).isEqualTo(0.25f);
    assertThat(file.tensor("c", arena).encoding()).isEqualTo(Encoding.BF16);
    assertThat(file.tensor("c", arena).data().isReadOnly()).isTrue();
  }

  @Test
  void movesTensorsThatAreNotAligned() {
    ByteBuffer data = ByteBuffer.allocate(5).order(ByteOrder.LITTLE_ENDIAN);
    data.put((byte) 9).putFloat(42);
    String header =
        "{%s,%s}".formatted(entry("flag", "U8", "[1]", 0, 1), entry("w", "F32", "[]", 1, 5));

    SafetensorsFile file = map(header + " ".repeat(8 - header.length() % 8), data.array());

    Checkpoint.Tensor tensor = file.tensor("w", arena);
    assertThat(tensor.shape()).isEmpty();
    assertThat(tensor.data().address() % 4).isZero();
    assertThat(tensor.data().toArray(ValueLayout.JAVA_FLOAT)).containsExactly(42);
  }

  @Test
  void passesOverTypesThatNobodyAsksFor() {
    String header =
        "{%s,%s,%s}"
            .formatted(
                entry("steps", "I64", "[1]", 0, 8),
                entry("novel", "F3_E1M1", "[7]", 8, 11),
                entry("packed", "F4", "[3]", 11, 13));
    SafetensorsFile file = map(header, new byte[13]);

    assertThat(file.names()).hasSize(3);
    assertThatThrownBy(() -> file.tensor("steps", arena))
        .isInstanceOf(ModelException.class)
        .hasMessage(path + ": tensor steps is of type I64; expected F32, F16 or BF16");
  }

  @Test
  void readsEmptyTensors() {
    SafetensorsFile file =
        map(
            "{%s,%s}".formatted(entry("w", "F32", "[1]", 0, 4), entry("e", "F32", "[0,5]", 0, 0)),
            new byte[4]);

    assertThat(file.tensor("e", arena).data().byteSize()).isZero();
  }

  @Test
  void reachesBeyondTwoGibibytes() throws IOException {
    long size = 3L << 30;
    String header =
        "{%s,%s}"
            .formatted(
                entry("big", "F16", "[%d]".formatted(size / 2), 0, size),
                entry("last", "F32", "[1]", size, size + 4));
    SafetensorsWriter.write(path, header, new byte[0]);
    try (RandomAccessFile file = new RandomAccessFile(path.toFile(), "rw")) {
      file.seek(file.length() + size);
      file.write(new byte[] {0, 0, (byte) 0x80, 0x3f});
    }

    Checkpoint.Tensor last = SafetensorsFile.map(path, arena).tensor("last", arena);

    assertThat(last.data().get(ValueLayout.JAVA_FLOAT_UNALIGNED, 0)).isEqualTo(1);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "F32 | [2] | 0 | 4 | 4 bytes; expected 8 for F32 [2]",
        "F32 | [3] | 0 | 8 | 8 bytes; expected 12 for F32 [3]",
        "F32 | [2] | 8 | 0 | expected begin and end",
        "F32 | [2] | -8 | 0 | expected a list of sizes",
        "F32 | [2] | 8 | 16 | begins at data byte 8; expected 0, where the header ends",
        "F32 | [1] | 0 | 4 | holds 8 bytes of data; expected 4, where w ends",
        "F32 | [4] | 0 | 16 | holds 8 bytes of data; expected 16, where w ends: cut short",
        "F32 | [4611686018427387904,4] | 0 | 8 | more than 2^63 bits",
        "F32 | [-2,-1] | 0 | 8 | expected a list of sizes",
        "F32 | [2.0] | 0 | 8 | expected a list of sizes",
        "F32 | 2 | 0 | 8 | expected a list of sizes",
        "F32 | [99999999999999999999] | 0 | 8 | expected a list of sizes",
      })
  void namesTensorFoundAndExpected(
      String dtype, String shape, long begin, long end, String expected) {
    assertThatThrownBy(() -> map("{" + entry("w", dtype, shape, begin, end) + "}", new byte[8]))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining(path.toString())
        .hasMessageContaining(expected);
  }

  @Test
  void refusesTensorsThatShareBytesOrLeaveHoles() {
    String first = entry("a", "F32", "[2]", 0, 8);

    assertRefused(
        "{%s,%s}".formatted(first, entry("b", "F32", "[2]", 4, 12)),
        12,
        "tensor b begins at data byte 4; expected 8, where a ends");
    assertRefused(
        "{%s,%s}".formatted(first, entry("b", "F32", "[1]", 12, 16)),
        16,
        "tensor b begins at data byte 12; expected 8, where a ends");
    assertRefused("{%s,%s}".formatted(first, first), 8, "broken JSON");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "[]",
        "{",
        "{\"w\":1}",
        "{\"w\":{}}",
        "{\"w\":{\"dtype\":7,\"shape\":[1],\"data_offsets\":[0,4]}}",
        "{\"w\":{\"dtype\":\"F32\",\"shape\":[1]}}",
        "{\"w\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4,8]}}",
        "{\"w\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}} x",
        "{\"w\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}},{}",
        "{\"__metadata__\":[],\"w\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}",
      })
  void refusesHeadersThatAreNoTable(String header) {
    assertRefused(header, 4, path.toString());
  }

  @Test
  void refusesImpossibleHeaderLengths() {
    assertBytesRefused(new byte[0], "0 bytes; expected at least the 8");
    assertBytesRefused(new byte[7], "7 bytes; expected at least the 8");
    assertBytesRefused(new byte[] {3, 0, 0, 0, 0, 0, 0, 0, '{', '}'}, "header length 3");
    byte[] negative = {-1, -1, -1, -1, -1, -1, -1, -1, '{', '}'};
    assertBytesRefused(negative, "header length 18446744073709551615");
  }

  @Test
  void recognisesGitLfsPointers() {
    assertBytesRefused(
        "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"
            .getBytes(StandardCharsets.UTF_8),
        "git lfs pull");
  }

  @Test
  void refusesMissingFiles() {
    assertThatThrownBy(() -> SafetensorsFile.map(path, arena))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining(path.toString());
  }

  private SafetensorsFile map(String header, byte[] data) {
    return SafetensorsFile.map(SafetensorsWriter.write(path, header, data), arena);
  }

  private void assertRefused(String header, int dataBytes, String message) {
    assertThatThrownBy(() -> map(header, new byte[dataBytes]))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining(path.toString())
        .hasMessageContaining(message);
  }

  private void assertBytesRefused(byte[] bytes, String message) {
    SafetensorsWriter.write(path, bytes);
    assertThatThrownBy(() -> SafetensorsFile.map(path, arena))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining(path.toString())
        .hasMessageContaining(message);
  }
}
