package dev.kappa.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import picocli.CommandLine;

class MainTest {

  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();

  private static final String GGUF =
      Path.of(System.getProperty("basedir", "."), "..", "engine-core", "src", "test", "resources")
          .resolve(Path.of("gguf", "qwen2-q4_0", "model.gguf"))
          .toString();

  private int run(Map<String, String> environment, String... arguments) {
    CommandLine commandLine =
        Main.commandLine()
            .setDefaultValueProvider(new EnvironmentDefaults(environment))
            .setOut(new PrintWriter(out))
            .setErr(new PrintWriter(err));
    return commandLine.execute(arguments);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          ''                                        | a command is needed
          bake                                      | bake
          serve                                     | MODEL
          serve m --bogus                           | --bogus
          serve m --port x                          | --port
          serve m --port 65536                      | --port must be between 0 and 65535
          serve m --block-size -1                   | --block-size
          serve m --max-model-len 1.5               | --max-model-len
          serve m --kv-cache-dtype int3             | --kv-cache-dtype
          serve m --shutdown-grace -1               | --shutdown-grace
          serve m --max-queued-requests -1          | --max-queued-requests must be between 0 and
          serve m --kv-offloading-size -0.5         | --kv-offloading-size must be between 0 and
          serve m --kv-offloading-size NaN          | --kv-offloading-size must be between 0 and
          serve m --kv-offloading-size 8G           | --kv-offloading-size
          serve m --kv-store-policy write           | write-through, frequency, selective, write-back
          serve m --restore maybe                   | recompute, load, load-whole
          serve m --link-bandwidth 5Gb/s            | '5Gb/s' is not a rate such as 0.05GB/s
          complete m hello --link-bandwidth 0       | between 1 byte and 1000 TB per second
          serve m --max-body-mib 0                  | --max-body-mib
          serve m --api-key=                        | --api-key must not be empty
          serve m --served-model-name=              | --served-model-name must not be empty
          complete m hello --file f                 | not both
          complete m hello --kv-offloading-size -1  | --kv-offloading-size
          complete m hello --temperature 5          | temperature must be between 0 and 2
          complete m hello --repetition-penalty 0   | repetition_penalty must be above 0
          complete m hello --max-tokens 0           | --max-tokens
          plan GGUF --gpu h100 --measure --kv-offloading-size -1 | --kv-offloading-size must be between
          plan GGUF --gpu h100 --measure --picture no-such/x.svg | --picture cannot write no-such/x.svg
          """)
  void explainsWrongUseInOneLine(String line, String expected) {
    String[] arguments = line.isEmpty() ? new String[0] : line.replace("GGUF", GGUF).split(" ");
    assertThat(run(Map.of(), arguments)).as(err.toString()).isEqualTo(2);
    assertThat(err.toString().strip().lines().toList())
        .singleElement()
        .asString()
        .startsWith("kappa: ")
        .contains(expected)
        .contains("--help");
    assertThat(out.toString()).isEmpty();
  }

  @Test
  void explainsAFailureInOneLine(@TempDir Path empty) {
    assertThat(run(Map.of(), "serve", empty.toString(), "--port", "0")).isEqualTo(1);
    assertThat(err.toString().strip().lines().toList())
        .singleElement()
        .asString()
        .contains(empty.toString())
        .contains("config.json");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          complete m --file no-such-prompt                    | no-such-prompt: no such file
          complete m --file target                            | target: is a directory
          doctor --quick --threads -1                         | threads must be 0 or more, but is -1
          plan no-such-model --gpu h100                       | no-such-model: no such file
          plan GGUF --gpu h100 --trace no-such-trace          | no-such-trace: no such file
          complete GGUF x --trace-out no-such-folder/x        | no-such-folder/x: no such directory
          complete GGUF x --num-gpu-blocks-override 2147483647 | kappa: out of memory
          complete GGUF x --max-model-len 9999999             | max_model_len 9999999 exceeds the
          """)
  void explainsInOneLineWhatFails(String line, String expected) {
    String[] arguments = line.replace("GGUF", GGUF).split(" ");
    assertThat(run(Map.of("KAPPA_DEVICE", "cpu"), arguments)).isEqualTo(1);
    assertThat(err.toString().strip().lines().toList())
        .singleElement()
        .asString()
        .startsWith("kappa: ")
        .contains(expected)
        .doesNotContain("Exception");
  }

  @Test
  void saysThatAPromptIsNoText(@TempDir Path folder) throws Exception {
    Path file = Files.write(folder.resolve("prompt"), new byte[] {(byte) 0xff});
    assertThat(run(Map.of(), "complete", "m", "--file", file.toString())).isEqualTo(1);
    assertThat(err.toString()).contains(file + ": is not text in UTF-8");
  }

  @Test
  void findsThePortTakenBeforeItLoadsTheModel() throws Exception {
    try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      String port = Integer.toString(taken.getLocalPort());
      assertThat(run(Map.of(), "serve", "no-such-model", "--port", port)).isEqualTo(1);
      assertThat(err.toString().strip())
          .isEqualTo("kappa: cannot listen on 127.0.0.1:" + port + ": Address already in use");
    }
  }

  @Test
  void takesOptionsFromTheEnvironment() {
    assertThat(run(Map.of("KAPPA_PORT", "nine"), "serve", "m")).isEqualTo(2);
    assertThat(err.toString()).contains("--port").contains("nine");
  }

  @Test
  void prefersTheCommandLineToTheEnvironment() {
    int exit =
        run(Map.of("KAPPA_BLOCK_SIZE", "-7", "KAPPA_PORT", "-1"), "serve", "m", "--port", "1");
    assertThat(exit).isEqualTo(2);
    assertThat(err.toString()).contains("--block-size").contains("-7");
  }

  @ParameterizedTest
  @CsvSource({
    "--port, KAPPA_PORT",
    "--max-num-batched-tokens, KAPPA_MAX_NUM_BATCHED_TOKENS",
    "--no-enable-prefix-caching, KAPPA_NO_ENABLE_PREFIX_CACHING"
  })
  void namesTheVariableOfAnOption(String option, String variable) {
    assertThat(EnvironmentDefaults.variable(option)).isEqualTo(variable);
  }

  @Test
  void showsHelpForEveryCommand() {
    for (String command : Main.commandLine().getSubcommands().keySet()) {
      assertThat(run(Map.of(), command, "--help")).isZero();
    }
    assertThat(out.toString()).contains("--max-model-len").contains("--chat").contains("MODEL");
  }

  @Test
  void doctorFailsForWhatIsNoModel(@TempDir Path empty) {
    assertThat(run(Map.of(), "doctor", empty.toString())).isEqualTo(1);
    assertThat(out.toString().lines())
        .allMatch(line -> line.matches("(ok  |warn|fail)  [A-Z][^:]*: .+"))
        .anyMatch(line -> line.startsWith("ok    Java: "))
        .anyMatch(line -> line.startsWith("ok    Vector API: ") || line.startsWith("warn  Vector"))
        .anyMatch(line -> line.startsWith("ok    Device cpu: "))
        .anyMatch(line -> line.startsWith("fail  Model: "));
  }

  @Test
  void doctorApprovesOfTheModelThatShips() {
    Path model = Path.of(System.getProperty("basedir", "."), "..", "models", "haystack");
    assertThat(run(Map.of(), "doctor", model.toString())).as(out.toString()).isZero();
    assertThat(out.toString().lines())
        .anyMatch(line -> line.startsWith("ok    Weights: 38 tensors"))
        .anyMatch(line -> line.startsWith("ok    Tokenizer: "))
        .anyMatch(line -> line.startsWith("ok    Chat template: "));
  }

  @Test
  void takesAGgufFileWhereverItTakesADirectory() {
    assertThat(run(Map.of(), "doctor", GGUF)).as(out.toString()).isZero();
    assertThat(out.toString().lines())
        .anyMatch(line -> line.startsWith("ok    Weights: 27 tensors"))
        .anyMatch(line -> line.startsWith("ok    Tokenizer: 507 entries for 512 rows"))
        .anyMatch(line -> line.startsWith("ok    Chat template: "));
    out.getBuffer().setLength(0);
    assertThat(run(Map.of(), "plan", GGUF, "--gpu", "h100")).as(err.toString()).isZero();
    assertThat(out.toString()).contains("model");
    assertThat(run(Map.of("KAPPA_DEVICE", "cpu"), "complete", GGUF, "Hi", "--max-tokens", "2"))
        .as(err.toString())
        .isZero();
  }

  @Test
  void doctorLeavesKernelsAloneUnlessAsked() {
    assertThat(run(Map.of("KAPPA_DEVICE", "cpu"), "doctor")).as(out.toString()).isZero();
    assertThat(out.toString()).contains("Device cpu").doesNotContain("seed", "matmul");
  }

  @Test
  void doctorChecksTheKernelsOfADeviceThatIsNamed() {
    int exit = run(Map.of(), "doctor", "--device", "cpu", "--threads", "2", "--quick");
    assertThat(exit).as(out.toString()).isZero();
    assertThat(out.toString().lines())
        .anyMatch(line -> line.matches("Kernels of cpu .* against itself with 1 thread, seed \\d+"))
        .anyMatch(line -> line.matches("ok +matmul +100 rows, 300 of 700 .* none .* us .*FLOP/s"))
        .anyMatch(line -> line.matches("ok +device to host +1048576 bytes .* GB/s"))
        .anyMatch(line -> line.startsWith("ok    Kernels and copies: "));
  }

  @Test
  void doctorFailsForADeviceThatIsNotThere() {
    assertThat(run(Map.of(), "doctor", "--device", "cpu:3")).isEqualTo(1);
    assertThat(err.toString()).contains("not cpu:3");
  }
}
