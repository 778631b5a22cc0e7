package dev.kappa.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.kappa.device.virtual.VirtualModels;
import dev.kappa.plan.Trace;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

class StorePoliciesTest {

  @TempDir private Path folder = Path.of("");

  @Test
  void halfOfTheMadeUpRequestsAskAboutPopularDocuments() {
    Trace trace = ScanTrace.of(2000, 1);
    Map<Integer, Integer> asked = new HashMap<>();
    Set<Integer> numbers = new HashSet<>();
    for (Trace.Request request : trace.requests()) {
      asked.merge(request.blocks()[0], 1, Integer::sum);
      for (int block : request.blocks()) {
        numbers.add(block);
        assertThat(block).isBetween(0, trace.blocks() - 1);
      }
    }
    long scans = trace.requests().stream().filter(r -> r.blocks().length == 32).count();
    assertThat((double) scans / 2000).isCloseTo(0.5, within(0.05));
    // The first of 2,000 documents by Zipf's law with exponent 0.9: 1 / sum of i^-0.9.
    assertThat(asked.getOrDefault(0, 0) / (2000.0 - scans)).isCloseTo(0.088, within(0.03));
    assertThat(numbers).hasSizeGreaterThan((int) scans * 32);
  }

  @Test
  void printsALineForEachPolicyAndSize() {
    StringWriter printed = new StringWriter();
    CommandLine commandLine = Main.commandLine();
    commandLine.setOut(new PrintWriter(printed, true));
    Path model = VirtualModels.write(folder, VirtualModels.llama8B(), 32_768);
    int status =
        commandLine.execute(
            "store-policies",
            model.toString(),
            "--requests=20",
            "--kv-offloading-size=4,8",
            "--kv-store-policy=adaptive,write-back");
    assertThat(status).isZero();
    List<String> lines = printed.toString().lines().toList();
    assertThat(lines).hasSize(3 + 4);
    assertThat(lines.get(3)).startsWith("       4 | adaptive      | ");
    assertThat(lines.get(6)).startsWith("       8 | write-back    | ");
  }
}
