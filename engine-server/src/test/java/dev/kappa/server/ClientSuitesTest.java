package dev.kappa.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import dev.kappa.server.testing.HaystackServer;
import dev.kappa.server.testing.Programs;
import dev.kappa.server.testing.ToolTemplates;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;

/**
 * OpenAI's own clients, each with its suite in {@code src/test/clients}; {@code .ci/clients}
 * installs them. A client that is not installed is skipped.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@Timeout(900)
class ClientSuitesTest {

  private static final Path BASE =
      Path.of(System.getProperty("basedir", ".")).toAbsolutePath().normalize();
  private static final Path SUITES = BASE.resolve("src/test/clients");
  private static final Path CLIENTS = BASE.resolve("../target/clients").normalize();
  private static final Pattern PASSED = Pattern.compile("(?m)^(\\d+) passed, 0 failed$");
  private static final String KEY = "secret";

  private final HaystackServer server = new HaystackServer();

  @BeforeAll
  void start() throws Exception {
    // Without tools as the model's own template.
    server.start(
        ServerOptions.local().withApiKey(KEY), ToolTemplates.renderer(ToolTemplates.HERMES));
  }

  @AfterAll
  void stop() {
    server.close();
  }

  @Test
  void python() throws Exception {
    requireClient("python");
    passes(
        16,
        CLIENTS.resolve("python/bin/python").toString(),
        SUITES.resolve("python/suite.py").toString());
  }

  @Test
  void javaScript() throws Exception {
    requireClient("npm");
    passes(12, Programs.require("node").toString(), SUITES.resolve("npm/suite.mjs").toString());
  }

  @Test
  void java() throws Exception {
    requireClient("java");
    passes(
        11,
        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
        "-cp",
        CLIENTS.resolve("java") + File.separator + "*",
        SUITES.resolve("java/Suite.java").toString());
  }

  /** The installer leaves this file once a client is complete. */
  private static void requireClient(String name) {
    assumeThat(CLIENTS.resolve(name).resolve("done"))
        .as("skipped: 'sh .ci/clients' has not installed this client")
        .exists();
  }

  private void passes(int checks, String... command) throws IOException, InterruptedException {
    List<String> all = new ArrayList<>(List.of(command));
    Path chat = HaystackServer.MODEL.resolve("examples/chat-4k.json").toAbsolutePath();
    all.addAll(List.of(server.url(), KEY, chat.toString()));
    ProcessBuilder builder = new ProcessBuilder(all).redirectErrorStream(true);
    builder.environment().put("CLIENTS", CLIENTS.resolve("npm").toString());
    Process process = builder.start();
    process.getOutputStream().close();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).as(output).isZero();
    Matcher passed = PASSED.matcher(output);
    assertThat(passed.find()).as(output).isTrue();
    assertThat(Integer.parseInt(passed.group(1))).as(output).isEqualTo(checks);
  }
}
