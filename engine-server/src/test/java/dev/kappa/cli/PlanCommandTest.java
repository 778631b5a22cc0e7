package dev.kappa.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class PlanCommandTest {

  private static final Path SHAPES = Path.of("..", "models", "shapes");

  @TempDir Path folder;

  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();
  private Path trace = Path.of("");

  @BeforeEach
  void writeTrace() throws IOException {
    trace =
        Files.writeString(
            folder.resolve("trace.jsonl"),
            """
            {"timestamp": 0, "input_length": 1024, "output_length": 4, "hash_ids": [7, 8]}
            {"timestamp": 1000, "input_length": 768, "output_length": 3, "hash_ids": [7, 9]}
            {"timestamp": 2000, "input_length": 1024, "output_length": 1, "hash_ids": [7, 8]}
            """);
  }

  private int run(String model, String... options) {
    List<String> args = new ArrayList<>(List.of("plan", SHAPES.resolve(model).toString()));
    args.addAll(List.of(options));
    CommandLine command = Main.commandLine();
    command.setOut(new PrintWriter(out)).setErr(new PrintWriter(err));
    return command.execute(args.toArray(String[]::new));
  }

  private JsonNode json(String model, String... options) {
    List<String> all = new ArrayList<>(List.of(options));
    all.add("--json");
    assertThat(run(model, all.toArray(String[]::new))).as(err.toString()).isZero();
    return JsonMapper.shared().readTree(out.toString());
  }

  @Test
  void plansEqualRequests() {
    assertThat(run("llama-3.1-8b", "--gpu", "h100", "--context", "8000", "--reuse", "0.99"))
        .isZero();
    assertThat(out.toString())
        .contains("131,072 bytes per token")
        .contains("host    256.0 GiB  2,097,152")
        .contains("κ_crit")
        .contains("PCIe 6 x16");
    // 7920 tokens of 131,072 bytes at 56.96 GB/s.
    assertThat(out.toString()).containsPattern("load +18 ms");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          2049 | kappa: warning: --context 2049 exceeds the 2048 positions that the model was made for
          2048 | ''
          """)
  void warnsOfAContextThatTheModelWasNotMadeFor(int context, String warning) {
    JsonNode plan =
        json("tinyllama-1.1b", "--gpu", "h100", "--context", Integer.toString(context)).get("plan");
    assertThat(plan.get("context").intValue()).isEqualTo(context);
    assertThat(err.toString().strip()).isEqualTo(warning);
  }

  @Test
  void warnsOfATraceThatTheModelWasNotMadeFor() throws IOException {
    Files.writeString(
        trace,
        """
        {"timestamp": 0, "input_length": 2000, "output_length": 48, "hash_ids": [7, 8, 9, 10]}
        {"timestamp": 1000, "input_length": 2000, "output_length": 49, "hash_ids": [7, 8, 9, 10]}
        """);
    json("tinyllama-1.1b", "--gpu", "h100", "--trace", trace.toString());
    assertThat(err.toString())
        .contains("1 of the trace's 2 requests exceed the 2048 positions")
        .contains("planned for all the same");
  }

  @Test
  void kappaIsAnotherWayToSayReuse() {
    JsonNode plan =
        json("llama-3.1-8b", "--gpu", "h100", "--context", "8000", "--kappa", "9").get("plan");
    assertThat(plan.at("/expected/kappa/p50").doubleValue()).isEqualTo(9);
    assertThat(plan.at("/expected/linkBound").doubleValue()).isZero();
    assertThat(plan.at("/tiers/hostTokens").longValue()).isEqualTo(2_097_152);
  }

  @Test
  void plansTraces() {
    assertThat(run("llama-3.1-8b", "--gpu", "h100", "--trace", trace.toString())).isZero();
    assertThat(out.toString()).contains("unlimited host, no device").contains("host memory pays");
  }

  @Test
  void replaysTraces() {
    JsonNode output =
        json("llama-3.1-8b", "--gpu", "h100", "--trace", trace.toString(), "--replay");
    assertThat(output.at("/replay/finished").intValue()).isEqualTo(3);
    assertThat(output.at("/replay/stats/generatedTokens").intValue()).isEqualTo(8);
    assertThat(output.at("/plan/hostSizes/0/bytes").longValue()).isZero();
    assertThat(err.toString()).contains("Replayed 3 requests");
  }

  @Test
  void takesWhatWasMeasured() {
    JsonNode plan =
        json(
                "llama-3.1-8b",
                "--gpu",
                "h100",
                "--link-rate",
                "50GB/s",
                "--prefill-rate",
                "36000",
                "--context",
                "8001",
                "--reuse",
                "0")
            .get("plan");
    assertThat(plan.get("linkBytesPerSecond").doubleValue()).isEqualTo(50e9);
    assertThat(plan.at("/expected/computeMillis/p50").doubleValue())
        .isCloseTo(8001 / 36.0, within(0.1));
  }

  @Test
  void refusesRatesThatNoMachineHas() {
    assertThat(run("llama-3.1-8b", "--gpu", "h100", "--compute-share", "7")).isEqualTo(2);
    assertThat(run("llama-3.1-8b", "--gpu", "h100", "--prefill-rate", "Infinity")).isEqualTo(2);
    assertThat(err.toString())
        .contains("--compute-share must be above 0 and at most 1, but is 7.0")
        .contains("--prefill-rate must be above 0, but is Infinity");
  }

  /** A model small enough to be measured in seconds, over a link that is known. */
  @Test
  void measuresThisMachine() throws IOException {
    Files.writeString(
        folder.resolve("config.json"),
        """
        {"architectures": ["LlamaForCausalLM"], "dtype": "bfloat16", "hidden_size": 64,
         "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4,
         "num_key_value_heads": 2, "vocab_size": 256, "max_position_embeddings": 2048,
         "rms_norm_eps": 1e-5, "tie_word_embeddings": true}
        """);
    Files.writeString(
        trace,
        "{\"timestamp\": 0, \"input_length\": 600, \"output_length\": 4, \"hash_ids\": [1, 2]}");
    List<String> options = new ArrayList<>();
    options.addAll(List.of("--measure", "--device", "cpu", "--threads", "1"));
    options.addAll(List.of("--link-bandwidth", "0.05GB/s", "--kv-offloading-size", "0.1"));
    options.addAll(List.of("--trace", trace.toString(), "--replay", "--json"));
    int code = run(folder.toAbsolutePath().toString(), options.toArray(String[]::new));
    assumeThat(err.toString())
        .as("skipped: something else had too much of this machine")
        .doesNotContain("too busy to be measured");
    assertThat(code).as(err.toString()).isZero();
    JsonNode output = JsonMapper.shared().readTree(out.toString());
    // How fast a busy machine seems is chance; that it is what was measured is not.
    for (String rate : List.of("loadBytesPerSecond", "storeBytesPerSecond", "tokenNanos")) {
      assertThat(output.at("/measured/" + rate).doubleValue()).as(rate).isPositive();
    }
    assertThat(output.at("/plan/linkBytesPerSecond"))
        .isEqualTo(output.at("/measured/loadBytesPerSecond"));
    assertThat(output.at("/plan/source").stringValue()).contains("measured on this machine");
    assertThat(output.at("/plan/expected/computeMillis/p50").doubleValue()).isPositive();
    assertThat(output.at("/replay/finished").intValue()).isEqualTo(1);
    assertThat(output.at("/replay/firstTokenMillis/p50").doubleValue()).isPositive();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "--gpu x100",
        "--gpu h100 --measure",
        "--gpus 2 --measure",
        "--gpu h100 --device cpu",
        "--gpu h100 --link-bandwidth 1GB/s",
        "--gpu h100 --link isa",
        "--gpu a100-80 --precision fp8",
        "--gpu h100 --reuse 2",
        "--gpu h100 --reuse 0.5 --kappa 1",
        "--gpu h100 --kappa -1",
        "--gpu h100 --rate 0",
        "--gpu h100 --context 0",
        "--gpu h100 --gpus 0",
        "--gpu h100 --replay",
        "--gpu h100 --requests 5",
        "--gpu h100 --kv-offloading-size -1",
        "--gpu h100 --trace trace.jsonl --context 5",
      })
  void explainsAWrongCommandLine(String options) {
    int code = run("llama-3.1-8b", options.isEmpty() ? new String[0] : options.split(" "));
    assertThat(code).isEqualTo(CommandLine.ExitCode.USAGE);
    assertThat(err.toString()).startsWith("kappa: ").hasLineCount(1);
  }

  @Test
  void explainsWhatCannotBeDone() {
    assertThat(run("llama-3.1-8b", "--gpu", "h100", "--trace", "none.jsonl")).isEqualTo(1);
    assertThat(err.toString()).contains("none.jsonl").hasLineCount(1);
    assertThat(run("deepseek-v3", "--gpu", "b200", "--trace", trace.toString(), "--replay"))
        .isEqualTo(1);
    assertThat(err.toString()).contains("architectures").doesNotContain("\tat ");
  }

  @Test
  void saysThatAModelDoesNotFit() {
    assertThat(run("llama-3.1-70b", "--gpu", "h100")).isZero();
    assertThat(out.toString()).contains("does not fit");
    assertThat(run("llama-3.1-70b", "--gpu", "h100", "--gpus", "4")).isZero();
    assertThat(out.toString()).contains("81,920 bytes per token and device");
  }
}
