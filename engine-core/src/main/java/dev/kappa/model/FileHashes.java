package dev.kappa.model;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Hashes of files' contents: SHA-256 over the size and the SHA-256 of each 64 MiB piece, so that
 * pieces can be hashed in parallel. Hashes of larger files are kept in a directory, by absolute
 * path, size and modification time; a directory that cannot be used only costs time. Thread-safe.
 */
final class FileHashes {

  private static final System.Logger LOG = System.getLogger(FileHashes.class.getName());

  static final int PIECE = 64 << 20;
  private static final int BUFFER = 1 << 20;

  /** Coarsest step of file times in common use (FAT): a later change may have the same time. */
  private static final long TIME_STEP_NANOS = TimeUnit.SECONDS.toNanos(2);

  private static final int HASH_BYTES = 32;

  private final @Nullable Path cache;
  private final long cachedFrom;

  /**
   * @param cache directory for hashes of files larger than a piece; null keeps none
   */
  FileHashes(@Nullable Path cache) {
    this(cache, PIECE + 1L);
  }

  /**
   * @param cachedFrom size of the smallest file whose hash is kept
   */
  FileHashes(@Nullable Path cache, long cachedFrom) {
    this.cache = cache;
    this.cachedFrom = cachedFrom;
  }

  /** The user's cache directory by the XDG convention; null if there is none. */
  static @Nullable Path userCache() {
    String xdg = System.getenv("XDG_CACHE_HOME");
    String home = System.getProperty("user.home");
    try {
      if (xdg != null && !xdg.isEmpty()) {
        return Path.of(xdg, "kappa", "fingerprints");
      }
      return home == null ? null : Path.of(home, ".cache", "kappa", "fingerprints");
    } catch (InvalidPathException _) {
      return null;
    }
  }

  static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }

  /**
   * The hash of a file.
   *
   * @throws ModelException if it cannot be read
   */
  byte[] hash(Path file) {
    try {
      BasicFileAttributes before = Files.readAttributes(file, BasicFileAttributes.class);
      if (cache == null || before.size() < cachedFrom) {
        return compute(file, before.size());
      }
      Path entry = cache.resolve(key(file, before));
      byte[] known = read(entry);
      if (known != null) {
        return known;
      }
      Path started = create(cache);
      byte[] hash = compute(file, before.size());
      if (started != null) {
        keep(hash, file, before, started, entry);
      }
      return hash;
    } catch (IOException e) {
      throw new ModelException("%s: cannot be read: %s".formatted(file, e), e);
    }
  }

  private static byte[] compute(Path file, long size) throws IOException {
    int pieces = Math.toIntExact(Math.ceilDiv(size, (long) PIECE));
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      byte[][] hashes =
          IntStream.range(0, pieces)
              .parallel()
              .mapToObj(piece -> piece(channel, file, (long) piece * PIECE, size))
              .toArray(byte[][]::new);
      MessageDigest digest = sha256();
      digest.update(ByteBuffer.allocate(Long.BYTES).putLong(size).flip());
      for (byte[] hash : hashes) {
        digest.update(hash);
      }
      return digest.digest();
    }
  }

  private static byte[] piece(FileChannel channel, Path file, long from, long size) {
    MessageDigest digest = sha256();
    long end = Math.min(size, from + PIECE);
    ByteBuffer buffer = ByteBuffer.allocate((int) Math.min(BUFFER, end - from));
    long at = from;
    try {
      while (at < end) {
        buffer.clear().limit((int) Math.min(buffer.capacity(), end - at));
        int count = channel.read(buffer, at);
        if (count < 0) {
          throw new ModelException("%s: ends at byte %d; expected %d".formatted(file, at, size));
        }
        digest.update(buffer.flip());
        at += count;
      }
    } catch (IOException e) {
      throw new ModelException("%s: cannot be read: %s".formatted(file, e), e);
    }
    return digest.digest();
  }

  private static String key(Path file, BasicFileAttributes attributes) {
    String key =
        "%s\n%d\n%d"
            .formatted(file.toAbsolutePath().normalize(), attributes.size(), nanos(attributes));
    return HexFormat.of().formatHex(sha256().digest(key.getBytes(StandardCharsets.UTF_8)));
  }

  private static byte @Nullable [] read(Path entry) {
    try {
      byte[] hash = Files.readAllBytes(entry);
      return hash.length == HASH_BYTES ? hash : null;
    } catch (IOException _) {
      return null;
    }
  }

  /** An empty file whose time is that of the file system before hashing starts. */
  private static @Nullable Path create(Path cache) {
    try {
      Files.createDirectories(cache);
      return Files.createTempFile(cache, "hash", ".tmp");
    } catch (IOException e) {
      LOG.log(System.Logger.Level.DEBUG, "no fingerprint cache: {0}", e.toString());
      return null;
    }
  }

  /** Keeps a hash, unless the file changed meanwhile or could have without its time showing it. */
  private static void keep(
      byte[] hash, Path file, BasicFileAttributes before, Path started, Path entry) {
    try {
      BasicFileAttributes after = Files.readAttributes(file, BasicFileAttributes.class);
      long age = nanos(Files.readAttributes(started, BasicFileAttributes.class)) - nanos(before);
      if (after.size() == before.size() && nanos(after) == nanos(before) && age > TIME_STEP_NANOS) {
        Files.write(started, hash);
        Files.move(started, entry, StandardCopyOption.REPLACE_EXISTING);
      } else {
        Files.delete(started);
      }
    } catch (IOException e) {
      LOG.log(System.Logger.Level.DEBUG, "fingerprint not kept: {0}", e.toString());
    }
  }

  private static long nanos(BasicFileAttributes attributes) {
    return attributes.lastModifiedTime().to(TimeUnit.NANOSECONDS);
  }
}
