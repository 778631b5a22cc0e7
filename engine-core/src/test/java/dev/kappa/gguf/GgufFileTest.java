package dev.kappa.gguf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.fail;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.function.Function;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class GgufFileTest {

  private static final long SEED = Long.getLong("kappa.test.seed", 20_261_124);
  private static final int ROUNDS = 4_000;

  @TempDir private Path directory;

  private static GgufWriter sample() {
    return new GgufWriter()
        .text("general.architecture", "llama")
        .uint32("count", 7)
        .float32("number", 1.5f)
        .flag("flag", true)
        .texts("texts", List.of("a", "ä", ""))
        .uint32s("sizes", 3, 1)
        .tensor("matrix", 0, new byte[24], 2, 3)
        .tensor("blocks", 8, new byte[68], 2, 32);
  }

  private <T> T read(byte[] bytes, Function<GgufFile, T> reader) {
    Path path = GgufWriter.write(directory.resolve("file.gguf"), bytes);
    try (Arena arena = Arena.ofConfined()) {
      return reader.apply(GgufFile.map(path, arena));
    }
  }

  private static GgufTensor tensor(GgufFile file, String name) {
    return Objects.requireNonNull(file.tensors().get(name), name);
  }

  private void assertRefused(GgufWriter writer, String... messages) {
    assertRefused(writer.bytes(), messages);
  }

  private void assertRefused(byte[] bytes, String... messages) {
    var thrown =
        assertThatThrownBy(() -> read(bytes, file -> file))
            .isInstanceOf(GgufException.class)
            .hasMessageContaining("file.gguf: ");
    for (String message : messages) {
      thrown.hasMessageContaining(message);
    }
  }

  @Test
  void readsMetadataAndTensors() {
    for (int version : new int[] {2, 3}) {
      read(
          sample().version(version).bytes(),
          file -> {
            GgufMetadata metadata = file.metadata();
            assertThat(metadata.text("general.architecture")).isEqualTo("llama");
            assertThat(metadata.integer("count", 0, 10)).isEqualTo(7);
            assertThat(metadata.number("number", 0, 0)).isEqualTo(1.5);
            assertThat(metadata.flag("flag", false)).isTrue();
            assertThat(metadata.texts("texts")).containsExactly("a", "ä", "");
            assertThat(metadata.numbers("sizes")).containsExactly(3, 1);
            assertThat(metadata.length("texts")).isEqualTo(3);
            assertThat(metadata.text("none")).isNull();
            assertThat(metadata.texts("none")).isEmpty();
            GgufTensor blocks = tensor(file, "blocks");
            assertThat(blocks.shape()).containsExactly(2L, 32L);
            assertThat(blocks.type()).isEqualTo(GgmlType.Q8_0);
            assertThat(file.bytes(blocks).byteSize()).isEqualTo(68);
            assertThat(file.floats(tensor(file, "matrix"))).hasSize(6);
            assertThatThrownBy(() -> file.floats(blocks)).hasMessageContaining("expected F32");
            return file;
          });
    }
  }

  @Test
  void saysWhichValueIsOfAnotherKind() {
    read(
        sample().bytes(),
        file -> {
          GgufMetadata metadata = file.metadata();
          assertThatThrownBy(() -> metadata.integer("count", 0, 6))
              .isInstanceOf(GgufException.class)
              .hasMessageContaining("file.gguf: \"count\" is 7; expected an integer from 0 to 6");
          assertThatThrownBy(() -> metadata.integer("absent", 0, 6))
              .hasMessageContaining("\"absent\" is missing");
          assertThatThrownBy(() -> metadata.text("count"))
              .hasMessageContaining("expected a string");
          assertThatThrownBy(() -> metadata.flag("count", true))
              .hasMessageContaining("true or false");
          assertThatThrownBy(() -> metadata.number("flag", 0, 0)).hasMessageContaining("a number");
          assertThatThrownBy(() -> metadata.texts("sizes"))
              .hasMessageContaining("an array of 2 uint32; expected an array of strings");
          assertThatThrownBy(() -> metadata.numbers("texts"))
              .hasMessageContaining("array of numbers");
          return file;
        });
  }

  @Test
  void refusesOtherFiles() {
    assertRefused(new byte[0], "cut short");
    assertRefused("PK\3\4 something else".getBytes(StandardCharsets.UTF_8), "expected \"GGUF\"");
    assertRefused(sample().version(1), "version 1; expected 2 or 3");
    assertRefused(sample().version(4), "version 4");
    assertRefused(sample().version(3 << 24), "big-endian");
    assertRefused(sample().uint32("split.count", 3), "split.count", "llama-gguf-split --merge");
  }

  @Test
  void refusesCountsThatTheFileHasNoRoomFor() {
    assertRefused(sample().claim(1L << 40, 0), "number of keys", "all that fits");
    assertRefused(sample().claim(-20, 0), "number of keys");
    assertRefused(sample().claim(0, Long.MAX_VALUE - 10), "number of tensors");
    assertRefused(sample().key("huge", 8, GgufWriter.longs(1L << 60)), "huge", "string of");
    byte[] array = Arrays.copyOf(GgufWriter.ints(8), 12);
    array[11] = 0x7f;
    assertRefused(sample().key("many", 9, array), "many", "expected at most");
  }

  @Test
  void refusesKeysThatCannotBeRead() {
    assertRefused(sample().uint32("count", 1), "count: is there twice");
    assertRefused(sample().key("odd", 13, new byte[8]), "odd: type 13");
    assertRefused(sample().key("odd", 7, new byte[] {2}), "odd: a bool of 2");
    assertRefused(sample().key("odd", 10, GgufWriter.longs(-1)), "odd: 18446744073709551615");
    assertRefused(sample().key("nested", 9, new byte[] {9, 0, 0, 0}), "array of arrays");
    byte[] broken = GgufWriter.string("xx");
    broken[8] = (byte) 0xC3;
    assertRefused(sample().key("bad", 8, broken), "bad: not valid UTF-8");
    assertRefused(sample().uint32("general.alignment", 24), "a power of two");
    assertRefused(sample().uint32("general.alignment", 0), "general.alignment");
    GgufWriter late =
        sample().key("texts2", 9, concat(GgufWriter.ints(8), GgufWriter.longs(1), broken));
    read(
        late.bytes(),
        file -> {
          assertThatThrownBy(() -> file.metadata().texts("texts2"))
              .hasMessageContaining("texts2[0]: not valid UTF-8");
          return file;
        });
  }

  private static byte[] concat(byte[]... parts) {
    var all = new ByteArrayOutputStream();
    for (byte[] part : parts) {
      all.writeBytes(part);
    }
    return all.toByteArray();
  }

  @Test
  void refusesTensorsThatLieWrong() {
    assertRefused(sample().entry("blocks", 0, 64, 1), "tensor blocks is there twice");
    assertRefused(sample().entry("x", 0, 16, 1), "tensor x begins at data byte 16");
    assertRefused(sample().entry("x", 0, 32, 2), "within blocks");
    assertRefused(sample().entry("x", 0, 1L << 40, 2), "tensor x", "cut short");
    assertRefused(sample().entry("x", 0, 128, 1L << 40), "tensor x", "cut short");
    assertRefused(sample().entry("x", 0, 128, 1L << 40, 1L << 40), "more than 2^63 bytes");
    assertRefused(sample().entry("x", 0, 128, 0), "a dimension of 0");
    assertRefused(sample().entry("x", 0, 128, -1), "a dimension of 18446744073709551615");
    assertRefused(sample().entry("x", 0, -32, 1), "tensor x begins");
    assertRefused(sample().entry("x", 0, 128), "0 dimensions");
    assertRefused(sample().entry("x", 0, 128, 1, 1, 1, 1, 1), "5 dimensions");
    assertRefused(sample().entry("x", 99, 128, 1), "type 99, which is not known");
    assertRefused(sample().entry("x", 12, 128, 1, 32), "Q4_K with rows of 32");
  }

  @Test
  void refusesEveryFileThatIsCutShort() {
    byte[] whole = sample().bytes();
    for (int length = 0; length < whole.length; length++) {
      assertRefused(Arrays.copyOf(whole, length));
    }
  }

  @Test
  void damagedFilesLoadOrAreRefused() throws IOException {
    byte[] whole = sample().bytes();
    int loaded = 0;
    for (int round = 0; round < ROUNDS; round++) {
      SplittableRandom random = new SplittableRandom(SEED + round);
      byte[] damaged = whole.clone();
      for (int i = 1 + random.nextInt(3); i > 0; i--) {
        int value = random.nextBoolean() ? random.nextInt(256) : random.nextBoolean() ? 0 : 0xff;
        damaged[random.nextInt(damaged.length)] = (byte) value;
      }
      try {
        loaded += read(damaged, GgufFileTest::readAll);
      } catch (GgufException e) {
        assertThat(e).hasMessageContaining("file.gguf");
      } catch (RuntimeException e) {
        fail("seed %d, round %d".formatted(SEED, round), e);
      }
    }
    assertThat(loaded).isBetween(1, ROUNDS - 1);
  }

  private static int readAll(GgufFile file) {
    for (GgufTensor tensor : file.tensors().values()) {
      for (byte b : file.bytes(tensor).toArray(ValueLayout.JAVA_BYTE)) {
        assertThat(b).isBetween(Byte.MIN_VALUE, Byte.MAX_VALUE);
      }
    }
    GgufMetadata metadata = file.metadata();
    metadata.text("general.architecture");
    metadata.texts("texts");
    metadata.numbers("sizes");
    return 1;
  }
}
