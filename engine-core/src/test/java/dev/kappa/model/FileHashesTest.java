package dev.kappa.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FileHashesTest {

  private static final FileTime LONG_AGO = FileTime.from(Instant.parse("2020-02-02T02:02:02Z"));

  @TempDir private Path directory;
  private Path cache;
  private Path file;

  @BeforeEach
  void prepare() throws IOException {
    cache = directory.resolve("cache").resolve("fingerprints");
    file = Files.write(directory.resolve("weights"), new byte[] {1, 2, 3});
    Files.setLastModifiedTime(file, LONG_AGO);
  }

  @Test
  void trustsWhatItKnowsOfAFileWithTheSameSizeAndTime() throws IOException {
    FileHashes hashes = new FileHashes(cache, 0);
    byte[] before = hashes.hash(file);
    change(new byte[] {1, 2, 4});

    assertThat(hashes.hash(file)).as("proof that the cache answered").isEqualTo(before);
    assertThat(new FileHashes(null).hash(file)).isNotEqualTo(before);
  }

  @Test
  void looksAgainWhenTimeOrSizeChanges() throws IOException {
    FileHashes hashes = new FileHashes(cache, 0);
    byte[] before = hashes.hash(file);

    Files.write(file, new byte[] {1, 2, 4});
    Files.setLastModifiedTime(file, FileTime.from(LONG_AGO.toInstant().plusNanos(1_000)));
    byte[] later = hashes.hash(file);
    change(new byte[] {1, 2, 3, 0});
    byte[] longer = hashes.hash(file);

    assertThat(later).isNotEqualTo(before).isNotEqualTo(longer);
    assertThat(longer).isNotEqualTo(before);
  }

  @Test
  void keepsNothingOfAFileThatMayStillChangeUnseen() throws IOException {
    long took = Long.MAX_VALUE;
    for (int attempt = 0; took > TimeUnit.SECONDS.toNanos(1); attempt++) {
      // One that takes too long says nothing: the file may no longer change unseen then.
      cache = directory.resolve("cache-" + attempt);
      long begun = System.nanoTime();
      Files.setLastModifiedTime(file, FileTime.from(Instant.now()));
      new FileHashes(cache, 0).hash(file);
      took = System.nanoTime() - begun;
    }

    assertThat(cache).isEmptyDirectory();
  }

  @Test
  void keepsNothingOfSmallFiles() {
    new FileHashes(cache).hash(file);

    assertThat(cache).doesNotExist();
  }

  @Test
  void leavesOneEntryPerFile() throws IOException {
    FileHashes hashes = new FileHashes(cache, 0);
    hashes.hash(file);
    hashes.hash(file);

    try (Stream<Path> entries = Files.list(cache)) {
      assertThat(entries).hasSize(1);
    }
  }

  @Test
  void doesWithoutACacheThatCannotBeUsed() throws IOException {
    byte[] expected = new FileHashes(null).hash(file);
    Path taken = Files.writeString(directory.resolve("taken"), "a file, not a directory");

    assertThat(new FileHashes(taken, 0).hash(file)).isEqualTo(expected);
    assertThat(new FileHashes(taken.resolve("below"), 0).hash(file)).isEqualTo(expected);
  }

  @Test
  void overwritesADamagedEntry() throws IOException {
    FileHashes hashes = new FileHashes(cache, 0);
    byte[] expected = hashes.hash(file);
    try (Stream<Path> entries = Files.list(cache)) {
      Files.write(entries.findFirst().orElseThrow(), new byte[31]);
    }

    assertThat(hashes.hash(file)).isEqualTo(expected);
  }

  @Test
  void seesEveryPieceOfALargeFile() throws IOException {
    FileHashes hashes = new FileHashes(null);
    long size = 2L * FileHashes.PIECE + 5;
    byte[] empty = sparse(size, 0, 0);

    for (long at : new long[] {0, FileHashes.PIECE - 1, FileHashes.PIECE, size - 1}) {
      assertThat(sparse(size, at, 1)).as("byte %d", at).isNotEqualTo(empty);
    }
    assertThat(sparse(size + 1, 0, 0)).isNotEqualTo(empty);
    assertThat(hashes.hash(file)).hasSize(32);
  }

  @Test
  void namesFilesThatCannotBeRead() {
    assertThatThrownBy(() -> new FileHashes(null).hash(directory.resolve("gone")))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("gone");
  }

  private byte[] sparse(long size, long at, int value) throws IOException {
    Path large = directory.resolve("large");
    Files.deleteIfExists(large);
    try (RandomAccessFile access = new RandomAccessFile(large.toFile(), "rw")) {
      access.setLength(size);
      access.seek(at);
      access.write(value);
    }
    return new FileHashes(null).hash(large);
  }

  private void change(byte[] bytes) throws IOException {
    Files.write(file, bytes);
    Files.setLastModifiedTime(file, LONG_AGO);
  }
}
