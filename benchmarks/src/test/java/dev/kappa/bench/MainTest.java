package dev.kappa.bench;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import picocli.CommandLine;

/** Of models that are not there: what is wrong must be told before they are looked for. */
class MainTest {

  private final StringWriter errors = new StringWriter();

  private int execute(String... arguments) {
    CommandLine commandLine = Main.commandLine();
    commandLine.setErr(new PrintWriter(errors, true));
    return commandLine.execute(arguments);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          throughput m --load-format random              | --load-format
          throughput m --prompt 512,0                    | --prompt must be between 1 and 67108864, but is 0
          throughput m --generate -1                     | --generate must be between 2 and 67108864, but is -1
          throughput m --generate 1                      | --generate must be between 2
          throughput m --depth 1,-5                      | --depth must be between 1 and 67108864, but is -5
          throughput m --rounds 0                        | --rounds must be between 1 and
          throughput m --max-num-batched-tokens -1       | --max-num-batched-tokens must be between 0 and
          throughput m --trace-out no-such-folder/x      | --trace-out cannot write no-such-folder/x: no such
          kappa-sweep m --kappa many                     | --kappa
          kappa-sweep m --kappa 1,0                      | --kappa must be above 0, but is 0.0
          kappa-sweep m --kappa NaN                      | --kappa must be above 0, but is NaN
          kappa-sweep m --kappa Infinity                 | --kappa must be above 0, but is Infinity
          kappa-sweep m --context 0                      | --context must be between 1 and
          kappa-sweep m --rounds 0                       | --rounds must be between 1 and
          kappa-sweep m --block-size -1                  | --block-size must be between 0 and 1024, but is -1
          kappa-sweep m --max-num-batched-tokens -1      | --max-num-batched-tokens must be between 0 and
          kappa-sweep m --output no-such-folder/x        | --output cannot write no-such-folder/x: no such
          kappa-sweep m --output target                  | --output cannot write target: is a directory
          kappa-sweep m --trace-out no-such-folder/x     | --trace-out cannot write no-such-folder/x: no such
          offload-overhead m --pairs 0                   | --pairs must be between 1 and
          offload-overhead m --requests 0                | --requests must be between 1 and 65536, but is 0
          offload-overhead m --prompt 0                  | --prompt must be between 1 and
          offload-overhead m --generate 0                | --generate must be between 1 and
          offload-overhead m --max-num-batched-tokens -1 | --max-num-batched-tokens must be between 0 and
          prediction m --documents 0                     | --documents must be between 1 and 65536, but is 0
          prediction m --requests 0                      | --requests must be between 1 and
          prediction m --rounds 0                        | --rounds must be between 1 and
          prediction m --use 0                           | --use must be above 0 and at most 1, but is 0.0
          prediction m --use 9                           | --use must be above 0 and at most 1, but is 9.0
          prediction m --max-num-batched-tokens -1       | --max-num-batched-tokens must be between 0 and
          store-policies m --requests 0                  | --requests must be between 2 and
          store-policies m --requests 1                  | --requests must be between 2 and
          store-policies m --request-rate 0              | --request-rate must be above 0, but is 0.0
          store-policies m --kv-offloading-size 64,-1    | --kv-offloading-size must be between 0 and 1048576
          """)
  void explainsWrongUseInOneLine(String line, String expected) {
    assertThat(execute(line.split(" "))).as(errors.toString()).isEqualTo(2);
    assertThat(errors.toString())
        .startsWith("kappa: ")
        .hasLineCount(1)
        .contains(expected)
        .contains("--help");
  }

  @Test
  void missingModelIsOneLine() {
    assertThat(execute("kappa-sweep", "no/such/model")).isEqualTo(1);
    assertThat(execute("offload-overhead", "no/such/model")).isEqualTo(1);
    assertThat(errors.toString()).hasLineCount(2).contains("no/such/model");
  }

  @Test
  void aContextWithoutRoomForAPrefixIsOneLine() {
    String model = Path.of("..", "models", "haystack").toString();
    assertThat(execute("kappa-sweep", model, "--device", "cpu", "--context", "5")).isEqualTo(1);
    assertThat(errors.toString()).startsWith("kappa: a context of 5 tokens").hasLineCount(1);
  }

  @Test
  void leavesAloneWhatAnEarlierSweepWrote(@TempDir Path folder) throws IOException {
    Path output = Files.writeString(folder.resolve("sweep.json"), "earlier");
    assertThat(execute("kappa-sweep", "no/such/model", "--output", output.toString())).isEqualTo(1);
    assertThat(errors.toString()).contains("no/such/model");
    assertThat(output).content().isEqualTo("earlier");
  }
}
