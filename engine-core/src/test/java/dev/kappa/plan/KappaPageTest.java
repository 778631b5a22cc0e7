package dev.kappa.plan;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kappa.model.ModelShapes;
import dev.kappa.roofline.Gpu;
import dev.kappa.roofline.KvType;
import dev.kappa.roofline.Link;
import dev.kappa.roofline.Machine;
import dev.kappa.roofline.ModelShape;
import dev.kappa.roofline.Precision;
import dev.kappa.roofline.Roofline;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.Test;

/** The tables in {@code docs/kappa.md} are what the code gives. */
class KappaPageTest {

  private static final List<String> MODELS =
      List.of(
          "llama-3.2-1b",
          "llama-3.1-8b",
          "llama-3.1-70b",
          "llama-3.1-405b",
          "mistral-7b",
          "qwen2.5-7b",
          "qwen3-8b",
          "qwen3-235b-a22b",
          "deepseek-v3");

  private static final List<Gpu> GPUS =
      List.of(
          Gpu.A100_80, Gpu.H100_SXM, Gpu.H200, Gpu.B200, Gpu.GH200, Gpu.L4, Gpu.L40S, Gpu.RTX_4090);

  private static ModelShape shape(String model) {
    return ModelShapes.read(Path.of("..", "models", "shapes", model)).shape();
  }

  private static String number(double kappa) {
    return String.format(Locale.ROOT, kappa < 10 ? "%.1f" : "%.0f", kappa);
  }

  private static String row(List<String> cells) {
    return "| " + String.join(" | ", cells) + " |\n";
  }

  private static void contains(String table) throws IOException {
    assertThat(Files.readString(Path.of("..", "docs", "kappa.md"))).contains(table);
  }

  @Test
  void modelsByGpu() throws IOException {
    StringBuilder table = new StringBuilder();
    for (String model : MODELS) {
      ModelShape shape = shape(model);
      List<String> cells = new ArrayList<>();
      cells.add(model);
      cells.add(String.format(Locale.ROOT, "%,d", shape.kvBytesPerToken()));
      cells.add(String.format(Locale.ROOT, "%.1f", shape.activeParameters() / 1e9));
      for (Gpu gpu : GPUS) {
        Roofline roofline = new Roofline(shape, Machine.Rated.of(gpu).profile());
        cells.add(number(roofline.kappaCritical(32_000)));
      }
      table.append(row(cells));
    }
    contains(table.toString());
  }

  @Test
  void llamaByLengthAndLink() throws IOException {
    StringBuilder table = new StringBuilder();
    for (int context : new int[] {2000, 8000, 32_000, 100_000}) {
      List<String> cells = new ArrayList<>();
      cells.add(String.format(Locale.ROOT, "%,d", context));
      for (Link link : List.of(Link.PCIE4, Link.PCIE5, Link.PCIE6, Link.C2C)) {
        cells.add(number(llama(link, KvType.BF16).kappaCritical(context)));
      }
      cells.add(number(llama(Link.PCIE5, KvType.INT8).kappaCritical(context)));
      table.append(row(cells));
    }
    contains(table.toString());
  }

  private static Roofline llama(Link link, KvType kv) {
    Machine machine =
        new Machine.Rated(Gpu.H100_SXM, link, Precision.BF16, Machine.Rated.COMPUTE_SHARE);
    return new Roofline(shape("llama-3.1-8b").withKv(kv), machine.profile());
  }
}
