import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.util.Comparator;
import java.util.List;
import java.util.regex.Pattern;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import java.util.zip.ZipOutputStream;

/**
 * Copies jars for the archive of {@code ./kappa dist}: without native libraries that Linux on
 * x86-64, or Kappa, has no use for; without module descriptors, as everything is on the class path;
 * and not compressed, since the archive compresses better. Licences are also put beside the jars.
 *
 * <p>Usage: java Repack.java JARS LIB LICENCES, all of them folders.
 */
final class Repack {

  /** Native libraries of any platform. */
  private static final Pattern NATIVE =
      Pattern.compile(".*\\.(so|dll|dylib|jnilib|a)|META-INF/native/.+");

  /** Those that are used. */
  private static final Pattern NEEDED =
      Pattern.compile(
          "native/lib/linux-x86_64/cpu/.+"
              + "|lib/lib(JCudaDriver|JCublas2)-.*-linux-x86_64\\.so"
              + "|com/sun/jna/linux-x86-64/.+");

  private static final Pattern UNUSED =
      Pattern.compile("(META-INF/versions/\\d+/)?module-info\\.class|META-INF/.+\\.(SF|RSA|DSA)");

  private static final Pattern LICENCE =
      Pattern.compile("(META-INF/)?[^/]*(LICEN[CS]E|NOTICE|COPYING)[^/]*", Pattern.CASE_INSENSITIVE);

  private static final LocalDateTime WHEN = LocalDateTime.of(2026, 11, 1, 0, 0);

  private Repack() {}

  public static void main(String[] args) throws IOException {
    Path lib = Files.createDirectories(Path.of(args[1]));
    try (DirectoryStream<Path> jars = Files.newDirectoryStream(Path.of(args[0]), "*.jar")) {
      for (Path jar : jars) {
        String name = jar.getFileName().toString();
        copy(jar, lib.resolve(name), Path.of(args[2], name.replace(".jar", "")));
      }
    }
  }

  private static void copy(Path from, Path to, Path licences) throws IOException {
    try (ZipFile jar = new ZipFile(from.toFile());
        OutputStream file = new BufferedOutputStream(Files.newOutputStream(to));
        ZipOutputStream out = new ZipOutputStream(file)) {
      // The manifest has to be first; the rest by name, so that equal content is equal bytes.
      List<? extends ZipEntry> entries =
          jar.stream()
              .filter(entry -> !entry.isDirectory() && isWanted(entry.getName()))
              .sorted(
                  Comparator.comparing((ZipEntry e) -> !e.getName().equals("META-INF/MANIFEST.MF"))
                      .thenComparing(ZipEntry::getName))
              .toList();
      for (ZipEntry entry : entries) {
        byte[] content;
        try (InputStream in = jar.getInputStream(entry)) {
          content = in.readAllBytes();
        }
        write(out, entry.getName(), content);
        if (LICENCE.matcher(entry.getName()).matches()) {
          Files.createDirectories(licences);
          Files.write(licences.resolve(Path.of(entry.getName()).getFileName()), content);
        }
      }
    }
  }

  private static boolean isWanted(String name) {
    return !UNUSED.matcher(name).matches()
        && (!NATIVE.matcher(name).matches() || NEEDED.matcher(name).matches());
  }

  private static void write(ZipOutputStream out, String name, byte[] content) throws IOException {
    ZipEntry entry = new ZipEntry(name);
    CRC32 sum = new CRC32();
    sum.update(content);
    entry.setMethod(ZipEntry.STORED);
    entry.setSize(content.length);
    entry.setCrc(sum.getValue());
    entry.setTimeLocal(WHEN);
    out.putNextEntry(entry);
    out.write(content);
    out.closeEntry();
  }
}
