package dev.kappa.device.cpu;

import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import javax.management.JMException;
import javax.management.ObjectName;

/**
 * Has HotSpot's second compiler tidy up after each vector method that it inlines into {@link
 * TileKernel}. Without that it sometimes comes to a store before it knows what class of vector is
 * stored, and keeps all sums of the loop as objects: in two or three of ten processes prefills then
 * took five times as long, for as long as the process lived. A directive of the compiler's is the
 * only way to ask for it; where there is none, results are the same.
 */
final class VectorInlining {

  private static final Logger LOG = System.getLogger(VectorInlining.class.getName());

  /** Of the format in which {@code jcmd} takes directives ("Compiler.directives_add"; JEP 165). */
  private static final String DIRECTIVE =
      """
      [{match: "%s.*", c2: {IncrementalInlineForceCleanup: true}}]
      """
          .formatted(TileKernel.class.getName().replace('.', '/'));

  private static boolean wanted;

  private VectorInlining() {}

  /** Asks for it; does nothing after the first time. */
  static synchronized void improve() {
    if (wanted) {
      return;
    }
    wanted = true;
    try {
      LOG.log(Level.DEBUG, add());
    } catch (IOException | JMException | RuntimeException e) {
      LOG.log(Level.DEBUG, "the compiler takes no directives", e);
    }
  }

  /** Returns what the virtual machine says. */
  private static String add() throws IOException, JMException {
    Path file = Files.createTempFile("kappa", ".json");
    try {
      Files.writeString(file, DIRECTIVE);
      return String.valueOf(
          ManagementFactory.getPlatformMBeanServer()
              .invoke(
                  new ObjectName("com.sun.management:type=DiagnosticCommand"),
                  "compilerDirectivesAdd",
                  new Object[] {new String[] {file.toString()}},
                  new String[] {String[].class.getName()}));
    } finally {
      Files.delete(file);
    }
  }
}
