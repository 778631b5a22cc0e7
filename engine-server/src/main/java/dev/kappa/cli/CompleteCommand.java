package dev.kappa.cli;

import dev.kappa.cli.show.Terminal;
import dev.kappa.engine.EngineOptions;
import dev.kappa.engine.GenerationRequest;
import dev.kappa.sample.Adjustments;
import dev.kappa.sample.InvalidSamplingException;
import dev.kappa.sample.SamplingParams;
import dev.kappa.server.backend.ChatRenderer;
import dev.kappa.server.backend.SamplingDefaults;
import dev.kappa.text.ChatTemplate;
import dev.kappa.text.TextException;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code kappa complete}: continues one prompt on the terminal. */
@Command(
    name = "complete",
    description = "Continues one prompt: the argument, a file, or standard input.",
    footer = Environment.FOOTER,
    mixinStandardHelpOptions = true)
final class CompleteCommand implements Callable<Integer> {

  @SuppressWarnings("NullAway.Init") // set by picocli
  @Spec
  private CommandSpec spec;

  @Mixin private ModelFlags model = new ModelFlags();

  @Parameters(index = "1", arity = "0..1", paramLabel = "PROMPT", description = "The prompt.")
  private @Nullable String prompt;

  @Option(names = "--file", paramLabel = "FILE", description = "Takes the prompt from a file.")
  private @Nullable Path file;

  @Option(
      names = "--chat",
      description = "Sends the prompt as a user's message through the model's chat template.")
  private boolean chat;

  @Option(
      names = "--max-tokens",
      paramLabel = "TOKENS",
      defaultValue = "128",
      description = "Most tokens to generate (default: 128).")
  private int maxTokens;

  @Option(names = "--temperature", paramLabel = "T", description = "0 for the likeliest token.")
  private @Nullable Double temperature;

  @Option(names = "--top-p", paramLabel = "P", description = "Probability that candidates reach.")
  private @Nullable Double topP;

  @Option(names = "--top-k", paramLabel = "K", description = "Number of candidates; 0 for all.")
  private @Nullable Integer topK;

  @Option(
      names = "--min-p",
      paramLabel = "P",
      description = "Least probability of a candidate, relative to the likeliest.")
  private @Nullable Double minP;

  @Option(
      names = "--repetition-penalty",
      paramLabel = "R",
      description = "Above 1 tokens that have occurred become less likely; 1 for none.")
  private @Nullable Double repetitionPenalty;

  @Option(names = "--stop", paramLabel = "TEXT", description = "Ends the output; may be repeated.")
  private List<String> stop = List.of();

  @Option(names = "--ignore-eos", description = "Goes on past the model's own end.")
  private boolean ignoreEos;

  @Override
  public Integer call() throws IOException, InterruptedException {
    checkSampling();
    String text = promptText();
    try (LoadedModel loaded = LoadedModel.load(model, engineOptions())) {
      int[] tokens =
          chat
              ? loaded.engine().tokenizer().encode(rendered(loaded.chat(), text), false)
              : loaded.engine().tokenizer().encode(text, true);
      int room = loaded.engine().info().maxModelLength() - tokens.length;
      if (room < 1) {
        throw new TextException(
            "the prompt has %d tokens, the context holds %d"
                .formatted(tokens.length, loaded.engine().info().maxModelLength()));
      }
      SamplingParams sampling = sampling(loaded.defaults(), room);
      TerminalOutput output = new TerminalOutput(System.out, System.err);
      var handle =
          loaded.engine().submit(new GenerationRequest("complete", tokens, sampling), output);
      Thread cancel = new Thread(handle::cancel, "kappa-cancel");
      Runtime.getRuntime().addShutdownHook(cancel);
      output.await();
      return 0;
    }
  }

  /** A single prompt meets no prefix again: nothing is kept in host memory unless asked for. */
  EngineOptions engineOptions() {
    return model.engineOptions(0).build();
  }

  private String promptText() throws IOException {
    if (prompt != null && file != null) {
      throw new ParameterException(spec.commandLine(), "give PROMPT or --file, not both");
    }
    if (prompt != null) {
      return prompt;
    }
    if (file != null) {
      return read(file);
    }
    if (Terminal.isInteractive()) {
      System.err.println("Type the prompt; end it with Ctrl+D on a line of its own.");
    }
    return new String(System.in.readAllBytes(), StandardCharsets.UTF_8);
  }

  private static String read(Path file) throws IOException {
    if (Files.isDirectory(file)) {
      throw new TextException(file + ": is a directory, not a prompt");
    }
    try {
      return Files.readString(file);
    } catch (CharacterCodingException e) {
      throw new TextException(file + ": is not text in UTF-8", e);
    }
  }

  private static String rendered(@Nullable ChatRenderer chat, String text) {
    if (chat == null) {
      throw new TextException("the model has no chat template; leave --chat away");
    }
    return chat.render(List.of(ChatTemplate.message("user", text)), true, Map.of());
  }

  /** Before the model is loaded, which may take long. */
  private void checkSampling() {
    Checked.between(spec.commandLine(), "--max-tokens", maxTokens, 1, Integer.MAX_VALUE);
    try {
      sampling(SamplingDefaults.NEUTRAL, 1);
    } catch (InvalidSamplingException e) {
      throw new ParameterException(spec.commandLine(), String.valueOf(e.getMessage()), e);
    }
  }

  /** What is asked for, and the model's defaults where nothing is. */
  SamplingParams sampling(SamplingDefaults defaults, int room) {
    double repetition =
        repetitionPenalty == null ? defaults.repetitionPenalty() : repetitionPenalty;
    return SamplingParams.builder()
        .temperature(temperature == null ? defaults.temperature() : temperature)
        .topK(topK == null ? defaults.topK() : topK)
        .topP(topP == null ? defaults.topP() : topP)
        .minP(minP == null ? defaults.minP() : minP)
        .maxTokens(Math.min(maxTokens, room))
        .stop(stop)
        .ignoreEos(ignoreEos)
        .adjustments(Adjustments.penalties(repetition, 0, 0))
        .build();
  }
}
