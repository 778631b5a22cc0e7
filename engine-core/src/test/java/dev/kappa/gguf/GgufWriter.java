package dev.kappa.gguf;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** Writes GGUF files whose header need not be right. */
public final class GgufWriter {

  private final ByteArrayOutputStream keys = new ByteArrayOutputStream();
  private final ByteArrayOutputStream tensors = new ByteArrayOutputStream();
  private final ByteArrayOutputStream data = new ByteArrayOutputStream();
  private int version = 3;
  private long keyCount;
  private long tensorCount;

  /** Claims to be of another version. */
  public GgufWriter version(int number) {
    version = number;
    return this;
  }

  /** Claims to have more keys and tensors than it has. */
  public GgufWriter claim(long moreKeys, long moreTensors) {
    keyCount += moreKeys;
    tensorCount += moreTensors;
    return this;
  }

  public GgufWriter text(String key, String value) {
    return key(key, 8, string(value));
  }

  public GgufWriter uint32(String key, int value) {
    return key(key, 4, ints(value));
  }

  public GgufWriter int32(String key, int value) {
    return key(key, 5, ints(value));
  }

  public GgufWriter float32(String key, float value) {
    return key(key, 6, ints(Float.floatToRawIntBits(value)));
  }

  public GgufWriter flag(String key, boolean value) {
    return key(key, 7, new byte[] {(byte) (value ? 1 : 0)});
  }

  public GgufWriter texts(String key, List<String> values) {
    ByteArrayOutputStream array = new ByteArrayOutputStream();
    array.writeBytes(ints(8));
    array.writeBytes(longs(values.size()));
    values.forEach(value -> array.writeBytes(string(value)));
    return key(key, 9, array.toByteArray());
  }

  public GgufWriter uint32s(String key, int... values) {
    ByteArrayOutputStream array = new ByteArrayOutputStream();
    array.writeBytes(ints(4));
    array.writeBytes(longs(values.length));
    array.writeBytes(ints(values));
    return key(key, 9, array.toByteArray());
  }

  public GgufWriter floats(String key, float... values) {
    ByteArrayOutputStream array = new ByteArrayOutputStream();
    array.writeBytes(ints(6));
    array.writeBytes(longs(values.length));
    for (float value : values) {
      array.writeBytes(ints(Float.floatToRawIntBits(value)));
    }
    return key(key, 9, array.toByteArray());
  }

  /** A key with any bytes as its value. */
  public GgufWriter key(String key, int type, byte[] value) {
    keys.writeBytes(string(key));
    keys.writeBytes(ints(type));
    keys.writeBytes(value);
    keyCount++;
    return this;
  }

  /**
   * A tensor behind those before it.
   *
   * @param type ggml's number
   * @param sizes rows first
   */
  public GgufWriter tensor(String name, int type, byte[] bytes, long... sizes) {
    while (data.size() % 32 != 0) {
      data.write(0);
    }
    entry(name, type, data.size(), sizes);
    data.writeBytes(bytes);
    return this;
  }

  /** An entry of the table alone. */
  public GgufWriter entry(String name, int type, long offset, long... sizes) {
    tensors.writeBytes(string(name));
    tensors.writeBytes(ints(sizes.length));
    for (int i = sizes.length - 1; i >= 0; i--) {
      tensors.writeBytes(longs(sizes[i]));
    }
    tensors.writeBytes(ints(type));
    tensors.writeBytes(longs(offset));
    tensorCount++;
    return this;
  }

  public byte[] bytes() {
    ByteArrayOutputStream file = new ByteArrayOutputStream();
    file.writeBytes("GGUF".getBytes(StandardCharsets.US_ASCII));
    file.writeBytes(ints(version));
    file.writeBytes(longs(tensorCount, keyCount));
    file.writeBytes(keys.toByteArray());
    file.writeBytes(tensors.toByteArray());
    while (file.size() % 32 != 0) {
      file.write(0);
    }
    file.writeBytes(data.toByteArray());
    return file.toByteArray();
  }

  public Path write(Path file) {
    return write(file, bytes());
  }

  public static Path write(Path file, byte[] bytes) {
    try {
      return Files.write(file, bytes);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  public static byte[] string(String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    return ByteBuffer.allocate(8 + bytes.length)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putLong(bytes.length)
        .put(bytes)
        .array();
  }

  public static byte[] longs(long... values) {
    ByteBuffer bytes = ByteBuffer.allocate(8 * values.length).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asLongBuffer().put(values);
    return bytes.array();
  }

  public static byte[] ints(int... values) {
    ByteBuffer bytes = ByteBuffer.allocate(4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asIntBuffer().put(values);
    return bytes.array();
  }
}
