package dev.kappa.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Whatever is in a model's files, they load or are refused with a {@link ModelException}. */
class ModelFilesFuzzTest {

  private static final long SEED = Long.getLong("kappa.test.seed", 20_261_101);
  private static final int ROUNDS = 1_000;

  private static final String HEADER =
      """
      {"__metadata__":{"format":"pt"},\
      "a.weight":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},\
      "b.weight":{"dtype":"BF16","shape":[4],"data_offsets":[24,32]},\
      "c.weight":{"dtype":"F16","shape":[1,2],"data_offsets":[32,36]}}\
      """;

  /** Pieces of syntax and of numbers at the edges of what fits. */
  private static final String[] SPLICES = {
    "{",
    "}",
    "[",
    "]",
    "\"",
    ",",
    ":",
    "null",
    "true",
    "-1",
    "0",
    "1e400",
    "\\u0000",
    "NaN",
    "4",
    "9223372036854775807",
    "99999999999999999999999",
    "1.5",
    "\"F32\"",
    "[[[[",
    "{\"a\":",
    "\n",
    "4611686018427387904",
    "2147483648",
    "\"\"",
    "\"weight_map\"",
    "1e-400",
    "�"
  };

  @TempDir private Path directory;

  @Test
  void safetensorsLoadOrAreRefused() {
    Path file = directory.resolve("model.safetensors");
    SafetensorsWriter.write(file, HEADER, new byte[36]);
    byte[] valid = read(file);

    int loaded = 0;
    for (int round = 0; round < ROUNDS; round++) {
      byte[] bytes = mutate(valid, random(round));
      SafetensorsWriter.write(file, bytes);
      loaded += loads(round, bytes, this::readEveryTensor) ? 1 : 0;
    }
    assertThat(loaded).as("mutations that still load, seed %d", SEED).isBetween(1, ROUNDS - 1);
  }

  @Test
  void configsLoadOrAreRefused() {
    int loaded = 0;
    for (String model :
        new String[] {"llama3-rope-tiny", "qwen2-tiny", "gemma3-tiny", "qwen3-moe-tiny"}) {
      Path file = directory.resolve("config.json");
      byte[] valid = read(Fixtures.model(model).resolve("config.json"));
      for (int round = 0; round < ROUNDS; round++) {
        byte[] bytes = mutate(valid, random(round));
        SafetensorsWriter.write(file, bytes);
        loaded += loads(round, bytes, this::readConfig) ? 1 : 0;
      }
    }
    assertThat(loaded).as("mutations that still load, seed %d", SEED).isBetween(1, 4 * ROUNDS - 1);
  }

  @Test
  void indexesLoadOrAreRefused() {
    SafetensorsWriter.write(directory.resolve("1.safetensors"), HEADER, new byte[36]);
    Path file = directory.resolve("model.safetensors.index.json");
    byte[] valid =
        """
        {"metadata":{"total_size":36},"weight_map":{"a.weight":"1.safetensors",
         "b.weight":"1.safetensors","c.weight":"1.safetensors"}}\
        """
            .getBytes(StandardCharsets.UTF_8);

    int loaded = 0;
    for (int round = 0; round < ROUNDS; round++) {
      byte[] bytes = mutate(valid, random(round));
      SafetensorsWriter.write(file, bytes);
      loaded += loads(round, bytes, this::readEveryTensor) ? 1 : 0;
    }
    assertThat(loaded).as("mutations that still load, seed %d", SEED).isBetween(1, ROUNDS - 1);
  }

  private void readEveryTensor() {
    try (Checkpoint checkpoint = SafetensorsCheckpoint.open(directory);
        Arena arena = Arena.ofConfined()) {
      for (String name : checkpoint.names()) {
        checksum(checkpoint, name, arena);
      }
    }
  }

  private static void checksum(Checkpoint checkpoint, String name, Arena arena) {
    Checkpoint.Tensor tensor;
    try {
      tensor = checkpoint.tensor(name, arena);
    } catch (ModelException e) {
      // Only a type that nobody computes with is refused this late.
      assertThat(e).hasMessageContaining("expected F32, F16 or BF16");
      return;
    }
    MemorySegment data = tensor.data();
    long elements = tensor.shape().stream().reduce(1L, Math::multiplyExact);
    assertThat(data.byteSize()).isEqualTo(tensor.encoding().bytes(elements));
    for (long i = 0; i < data.byteSize(); i++) {
      data.get(ValueLayout.JAVA_BYTE, i);
    }
  }

  private void readConfig() {
    ModelConfig config = ModelDirectory.open(directory).config();
    assertThat(config.parameters()).isPositive();
    AttentionConfig attention = config.attention();
    assertThat(attention.shape(0).qkvColumns()).isPositive();
    for (int layer = 0; layer < Math.min(config.layers(), 10); layer++) {
      assertThat(attention.shape(layer).window()).isPositive();
      RopeFrequencies.of(attention.rope(layer), attention.rotaryDim(), config.maxPositions());
    }
    assertThat(Architecture.of(config).tensor(TensorRole.ATTENTION_OUTPUT, 0, config).elements())
        .isPositive();
  }

  private static boolean loads(int round, byte[] bytes, Runnable load) {
    try {
      load.run();
      return true;
    } catch (ModelException e) {
      assertThat(e.getMessage()).isNotBlank();
      return false;
    } catch (RuntimeException | AssertionError e) {
      return fail(
          "seed %d, round %d: %s"
              .formatted(SEED, round, new String(bytes, StandardCharsets.ISO_8859_1)),
          e);
    }
  }

  private static SplittableRandom random(int round) {
    return new SplittableRandom(SEED * 31 + round);
  }

  private static byte[] mutate(byte[] valid, SplittableRandom random) {
    byte[] bytes = valid.clone();
    int changes = 1 + random.nextInt(3);
    for (int i = 0; i < changes && bytes.length > 0; i++) {
      int at = random.nextInt(bytes.length);
      switch (random.nextInt(6)) {
        case 0 -> bytes[at] ^= (byte) (1 << random.nextInt(8));
        case 1 -> bytes[at] = (byte) random.nextInt(256);
        case 2 -> bytes = Arrays.copyOf(bytes, at);
        case 3 -> bytes[at] = (byte) ('0' + random.nextInt(10));
        case 4 -> bytes = splice(bytes, at, at + random.nextInt(bytes.length - at), "");
        default ->
            bytes =
                splice(
                    bytes,
                    at,
                    Math.min(bytes.length, at + random.nextInt(4)),
                    SPLICES[random.nextInt(SPLICES.length)]);
      }
    }
    return bytes;
  }

  private static byte[] splice(byte[] bytes, int from, int to, String text) {
    byte[] inserted = text.getBytes(StandardCharsets.UTF_8);
    byte[] result = new byte[from + inserted.length + bytes.length - to];
    System.arraycopy(bytes, 0, result, 0, from);
    System.arraycopy(inserted, 0, result, from, inserted.length);
    System.arraycopy(bytes, to, result, from + inserted.length, bytes.length - to);
    return result;
  }

  private static byte[] read(Path file) {
    try {
      return Files.readAllBytes(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
