package dev.kappa.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.kappa.model.ModelShapes;
import dev.kappa.roofline.Gpu;
import dev.kappa.roofline.Machine;
import dev.kappa.roofline.Roofline;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.w3c.dom.Document;
import org.w3c.dom.Element;

/** The picture of {@code docs/kappa.md}. */
class PictureTest {

  private static final Path DOCS = Path.of("..", "docs");
  private static final String COMMAND =
      "plan models/shapes/llama-3.1-8b --gpu h100 --context 32000 --picture docs/kappa.svg";

  @TempDir Path folder;

  /** Runs the command as the page has it, with paths of the test. */
  private Path drawn() {
    Path file = folder.resolve("kappa.svg");
    String[] words = COMMAND.split(" ");
    words[1] = Path.of("..", words[1]).toString();
    words[words.length - 1] = file.toString();
    int code = Main.commandLine().setOut(new PrintWriter(new StringWriter())).execute(words);
    assertThat(code).isZero();
    return file;
  }

  @Test
  void isWhatTheCommandBesideItDraws() throws Exception {
    assertThat(Files.readString(DOCS.resolve("kappa.md")))
        .contains("./kappa " + COMMAND)
        .contains("](kappa.svg)");
    assertThat(Files.readString(DOCS.resolve("kappa.svg"))).isEqualTo(Files.readString(drawn()));
  }

  /** κ from 1 to 1,000 lies between x = 70 and 660, in logarithms. */
  @Test
  void marksTheCriticalKappaWhereTheLinesCross() throws Exception {
    Document svg =
        DocumentBuilderFactory.newInstance().newDocumentBuilder().parse(drawn().toFile());
    double kappa =
        new Roofline(
                ModelShapes.read(Path.of("..", "models", "shapes", "llama-3.1-8b")).shape(),
                Machine.Rated.of(Gpu.H100_SXM).profile())
            .kappaCritical(32_000);
    Element dot = (Element) svg.getElementsByTagName("circle").item(0);
    double x = Double.parseDouble(dot.getAttribute("cx"));
    double y = Double.parseDouble(dot.getAttribute("cy"));
    assertThat(x).isCloseTo(70 + 590 * Math.log10(kappa) / 3, within(0.1));
    assertThat(heightAt(svg, "load", x)).isCloseTo(y, within(1.0));
    assertThat(heightAt(svg, "compute", x)).isCloseTo(y, within(1.0));
  }

  /** y of a line at x, between its points. */
  private static double heightAt(Document svg, String style, double x) {
    var paths = svg.getElementsByTagName("path");
    for (int i = 0; i < paths.getLength(); i++) {
      Element path = (Element) paths.item(i);
      if (path.getAttribute("class").equals(style)) {
        double[] last = null;
        for (String point : path.getAttribute("d").substring(1).split("L")) {
          String[] parts = point.split(" ");
          double[] next = {Double.parseDouble(parts[0]), Double.parseDouble(parts[1])};
          if (last != null && next[0] >= x) {
            return last[1] + (next[1] - last[1]) * (x - last[0]) / (next[0] - last[0]);
          }
          last = next;
        }
      }
    }
    throw new AssertionError("no line " + style + " at " + x);
  }
}
