package dev.kappa.cli.doctor;

import dev.kappa.cli.show.Bytes;
import dev.kappa.model.Architecture;
import dev.kappa.model.Checkpoint;
import dev.kappa.model.LoadFormat;
import dev.kappa.model.ModelConfig;
import dev.kappa.model.ModelDirectory;
import dev.kappa.model.ModelException;
import dev.kappa.model.TensorSpec;
import dev.kappa.server.backend.ChatRenderer;
import dev.kappa.server.backend.ChatTemplates;
import dev.kappa.text.HuggingFaceTokenizer;
import dev.kappa.text.TextException;
import dev.kappa.text.Tokenizer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Checks whether a model can be served. */
final class ModelChecks {

  private static final List<Map<String, Object>> GREETING =
      List.of(Map.of("role", "user", "content", "Hello!"));

  private static final String SAMPLE = "Hello, world";

  private ModelChecks() {}

  static List<Finding> run(Path path) {
    ModelDirectory directory;
    try {
      directory = ModelDirectory.open(path);
    } catch (ModelException e) {
      return List.of(
          Finding.fail("Model", message(e), "give the directory of a model, or a GGUF file"));
    }
    List<Finding> findings = new ArrayList<>();
    ModelConfig config = directory.config();
    findings.add(
        Finding.ok(
            "Model",
            "%s, %s, %d layers, context of %d tokens"
                .formatted(
                    directory.name(),
                    config.architecture(),
                    config.layers(),
                    config.maxPositions())));
    findings.add(weights(directory));
    findings.add(memory(directory));
    findings.add(tokenizer(directory));
    findings.add(template(directory));
    return findings;
  }

  private static Finding weights(ModelDirectory directory) {
    try (Checkpoint checkpoint = directory.checkpoint(LoadFormat.STORED, 0)) {
      List<String> missing =
          Architecture.of(directory.config()).tensors(directory.config()).stream()
              .map(TensorSpec::name)
              .filter(name -> !checkpoint.names().contains(name))
              .toList();
      if (!missing.isEmpty()) {
        return Finding.fail(
            "Weights",
            "%d tensors are missing, the first is %s".formatted(missing.size(), missing.getFirst()),
            "download the model again");
      }
      return Finding.ok("Weights", checkpoint.names().size() + " tensors, all that are needed");
    } catch (ModelException e) {
      return Finding.fail("Weights", message(e), "or serve with --load-format dummy");
    }
  }

  /** Weights as the checkpoint has them, and as much KV as one full context takes. */
  private static Finding memory(ModelDirectory directory) {
    ModelConfig config = directory.config();
    long weights = directory.weights().bytes();
    long kv =
        2L
            * config.layers()
            * config.kvHeads()
            * config.headDim()
            * config.dtype().bytes()
            * config.maxPositions();
    Memory memory = Memory.ofMachine();
    String found =
        "%s of weights and %s of KV for one full context; %s free"
            .formatted(Bytes.show(weights), Bytes.show(kv), Bytes.show(memory.available()));
    if (weights > memory.available()) {
      return Finding.fail("Memory for it", found, "free memory or take a smaller model");
    }
    return weights + kv > memory.available()
        ? Finding.warn("Memory for it", found, "serve with a smaller --max-model-len")
        : Finding.ok("Memory for it", found);
  }

  private static Finding tokenizer(ModelDirectory directory) {
    if (directory.tokenizer() == null) {
      return Finding.warn("Tokenizer", "none", "prompts can only be token ids");
    }
    try (Tokenizer tokenizer = HuggingFaceTokenizer.load(directory.path())) {
      int entries = tokenizer.vocabularySize();
      int rows = directory.config().vocabularySize();
      String found = entries + " entries for " + rows + " rows of the embedding";
      if (entries > rows) {
        return Finding.warn("Tokenizer", found, "it may make tokens that the model does not know");
      }
      String text = tokenizer.decode(tokenizer.encode(SAMPLE, false), true);
      return text.strip().equals(SAMPLE)
          ? Finding.ok("Tokenizer", found)
          : Finding.warn(
              "Tokenizer", "reads '" + SAMPLE + "' as '" + text + "'", "check its files");
    } catch (TextException e) {
      return Finding.fail("Tokenizer", message(e), "check the tokenizer's file");
    }
  }

  private static Finding template(ModelDirectory directory) {
    try {
      ChatRenderer chat = ChatTemplates.find(directory);
      if (chat == null) {
        return Finding.warn("Chat template", "none", "only /v1/completions will work");
      }
      int length = chat.render(GREETING, true, Map.of()).length();
      return Finding.ok("Chat template", "renders a greeting in " + length + " characters");
    } catch (TextException e) {
      return Finding.fail("Chat template", message(e), "chats will fail");
    }
  }

  private static String message(RuntimeException e) {
    return String.valueOf(e.getMessage());
  }
}
