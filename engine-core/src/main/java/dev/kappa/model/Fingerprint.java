package dev.kappa.model;

import java.nio.file.Path;
import java.util.HexFormat;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A hash over the contents of files in order, computed when first asked for. Names and places do
 * not count, so a moved model keeps its fingerprint. Thread-safe.
 */
final class Fingerprint {

  private final List<Path> files;
  private final FileHashes hashes;
  private @Nullable String value;

  Fingerprint(List<Path> files, FileHashes hashes) {
    this.files = List.copyOf(files);
    this.hashes = hashes;
  }

  synchronized String value() {
    if (value == null) {
      var digest = FileHashes.sha256();
      files.forEach(file -> digest.update(hashes.hash(file)));
      value = HexFormat.of().formatHex(digest.digest());
    }
    return value;
  }
}
