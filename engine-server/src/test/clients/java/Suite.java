import com.openai.client.OpenAIClient;
import com.openai.client.okhttp.OpenAIOkHttpClient;
import com.openai.core.JsonValue;
import com.openai.core.http.StreamResponse;
import com.openai.errors.BadRequestException;
import com.openai.errors.NotFoundException;
import com.openai.errors.OpenAIServiceException;
import com.openai.errors.UnauthorizedException;
import com.openai.helpers.ChatCompletionAccumulator;
import com.openai.models.FunctionDefinition;
import com.openai.models.FunctionParameters;
import com.openai.models.ResponseFormatJsonSchema;
import com.openai.models.chat.completions.ChatCompletion;
import com.openai.models.chat.completions.ChatCompletionChunk;
import com.openai.models.chat.completions.ChatCompletionCreateParams;
import com.openai.models.chat.completions.ChatCompletionStreamOptions;
import com.openai.models.chat.completions.ChatCompletionToolChoiceOption;
import com.openai.models.completions.Completion;
import com.openai.models.completions.CompletionCreateParams;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.regex.Pattern;

/**
 * OpenAI's Java client against a server of the model that ships: URL KEY CHAT, where CHAT is a file
 * with a request whose answer is known. Prints one line per check and, last, their number; leaves
 * with 1 after a failure.
 */
public final class Suite {

  private static final String ANSWER = "Crate 149 holds canvas bells.";
  private static final String MODEL = "haystack";

  private interface Check {
    void run() throws Exception;
  }

  private final String url;
  private final OpenAIClient client;
  private final String ledger;
  private final String question;

  private Suite(String url, String key, Path chat) throws Exception {
    this.url = url;
    client = client(key);
    // The file's two messages, without a JSON library of our own.
    List<String> messages =
        Pattern.compile("\"content\": *\"((?:[^\"\\\\]++|\\\\.)*+)\"")
            .matcher(Files.readString(chat))
            .results()
            .map(content -> content.group(1).replace("\\n", "\n").replace("\\\"", "\""))
            .toList();
    check(messages.size() == 2, messages.size());
    ledger = messages.getFirst();
    question = messages.getLast();
  }

  private OpenAIClient client(String key) {
    return OpenAIOkHttpClient.builder().baseUrl(url + "/v1").apiKey(key).maxRetries(0).build();
  }

  private static void check(boolean holds, Object what) {
    if (!holds) {
      throw new AssertionError(what);
    }
  }

  private static ChatCompletionCreateParams.Builder ask(String question) {
    return ChatCompletionCreateParams.builder().model(MODEL).addUserMessage(question);
  }

  private ChatCompletionCreateParams.Builder askAboutLedger() {
    return ChatCompletionCreateParams.builder()
        .model(MODEL)
        .addSystemMessage(ledger)
        .addUserMessage(question);
  }

  private ChatCompletion answer(ChatCompletionCreateParams.Builder params) {
    return client.chat().completions().create(params.build());
  }

  private static String text(ChatCompletion answer, int choice) {
    return answer.choices().get(choice).message().content().orElseThrow();
  }

  private static <T extends OpenAIServiceException> T raises(Class<T> kind, Callable<?> call)
      throws Exception {
    try {
      call.call();
    } catch (OpenAIServiceException e) {
      check(e.getClass() == kind, e);
      return kind.cast(e);
    }
    throw new AssertionError("no " + kind);
  }

  private void models() {
    check(client.models().list().data().getFirst().id().equals(MODEL), "models");
  }

  private void chat() {
    ChatCompletion answer = answer(askAboutLedger());
    check(text(answer, 0).equals(ANSWER), text(answer, 0));
    check(
        answer.choices().getFirst().finishReason().equals(ChatCompletion.Choice.FinishReason.STOP),
        "finish reason");
    check(answer.usage().orElseThrow().promptTokens() > 3000, "usage");
  }

  private void streamingWithUsage() {
    ChatCompletionCreateParams params =
        askAboutLedger()
            .streamOptions(ChatCompletionStreamOptions.builder().includeUsage(true).build())
            .build();
    StringBuilder text = new StringBuilder();
    List<ChatCompletionChunk> chunks = new ArrayList<>();
    try (StreamResponse<ChatCompletionChunk> stream =
        client.chat().completions().createStreaming(params)) {
      stream.stream().forEach(chunks::add);
    }
    for (ChatCompletionChunk chunk : chunks) {
      chunk.choices().forEach(c -> c.delta().content().ifPresent(text::append));
    }
    check(text.toString().equals(ANSWER), text);
    check(chunks.getLast().usage().orElseThrow().completionTokens() > 1, "usage");
  }

  private void logprobs() {
    ChatCompletion answer =
        answer(ask("What is in crate 12?").maxCompletionTokens(5).logprobs(true).topLogprobs(2));
    var tokens = answer.choices().getFirst().logprobs().orElseThrow().content().orElseThrow();
    StringBuilder text = new StringBuilder();
    tokens.forEach(token -> text.append(token.token()));
    check(text.toString().equals(text(answer, 0)), text);
    check(tokens.stream().allMatch(token -> token.topLogprobs().size() == 2), tokens);
  }

  @SuppressWarnings("deprecation") // OpenAI gives it up; it is what this server promises.
  private List<String> choices(long seed) {
    ChatCompletion answer =
        answer(
            ask("The tide").n(3).seed(seed).temperature(2).maxCompletionTokens(20));
    return List.of(text(answer, 0), text(answer, 1), text(answer, 2));
  }

  private void severalChoicesAndSeeds() {
    List<String> several = choices(7);
    check(new HashSet<>(several).size() == 3, several);
    check(choices(7).equals(several), "the same seed");
    check(!choices(8).equals(several), "another seed");
  }

  private void stop() {
    check(text(answer(askAboutLedger().stop(" holds")), 0).equals("Crate 149"), "stop");
  }

  private void completions() {
    Completion answer =
        client
            .completions()
            .create(
                CompletionCreateParams.builder()
                    .model(MODEL)
                    .prompt("The tide was")
                    .maxTokens(4)
                    .echo(true)
                    .build());
    check(answer.choices().getFirst().text().startsWith("The tide was"), answer);
  }

  private void structuredOutput() {
    Map<String, JsonValue> schema =
        Map.of(
            "type", JsonValue.from("object"),
            "properties",
                JsonValue.from(Map.of("what", Map.of("enum", List.of("rope", "bells")))),
            "required", JsonValue.from(List.of("what")),
            "additionalProperties", JsonValue.from(false));
    var format =
        ResponseFormatJsonSchema.builder()
            .jsonSchema(
                ResponseFormatJsonSchema.JsonSchema.builder()
                    .name("crate")
                    .strict(true)
                    .schema(
                        ResponseFormatJsonSchema.JsonSchema.Schema.builder()
                            .putAllAdditionalProperties(schema)
                            .build())
                    .build())
            .build();
    String text =
        text(answer(ask("What is in it?").maxCompletionTokens(200).responseFormat(format)), 0);
    check(text.matches("\\s*\\{\\s*\"what\":\\s*\"(rope|bells)\"\\s*}"), text);
  }

  private ChatCompletionCreateParams calling() {
    FunctionParameters parameters =
        FunctionParameters.builder()
            .putAdditionalProperty("type", JsonValue.from("object"))
            .putAdditionalProperty(
                "properties",
                JsonValue.from(Map.of("bay", Map.of("enum", List.of("north", "south")))))
            .putAdditionalProperty("required", JsonValue.from(List.of("bay")))
            .putAdditionalProperty("additionalProperties", JsonValue.from(false))
            .build();
    return ask("What is in crate 12?")
        .maxCompletionTokens(300)
        .addFunctionTool(
            FunctionDefinition.builder().name("look").parameters(parameters).build())
        .toolChoice(ChatCompletionToolChoiceOption.Auto.REQUIRED)
        .parallelToolCalls(false)
        .build();
  }

  private void toolCalls() {
    ChatCompletion.Choice choice =
        client.chat().completions().create(calling()).choices().getFirst();
    check(choice.finishReason().equals(ChatCompletion.Choice.FinishReason.TOOL_CALLS), choice);
    var call = choice.message().toolCalls().orElseThrow().getFirst().asFunction().function();
    check(call.name().equals("look"), call);
    check(call.arguments().matches("\\s*\\{\\s*\"bay\":\\s*\"(north|south)\"\\s*}"), call);
    ChatCompletionAccumulator accumulator = ChatCompletionAccumulator.create();
    int pieces = 0;
    try (StreamResponse<ChatCompletionChunk> stream =
        client.chat().completions().createStreaming(calling())) {
      for (ChatCompletionChunk chunk : (Iterable<ChatCompletionChunk>) stream.stream()::iterator) {
        accumulator.accumulate(chunk);
        pieces += chunk.choices().getFirst().delta().toolCalls().map(List::size).orElse(0);
      }
    }
    var streamed =
        accumulator
            .chatCompletion()
            .choices()
            .getFirst()
            .message()
            .toolCalls()
            .orElseThrow()
            .getFirst()
            .asFunction()
            .function();
    check(pieces > 2, pieces);
    check(streamed.name().equals("look"), streamed);
    check(streamed.arguments().equals(call.arguments()), streamed);
  }

  private void errors() throws Exception {
    BadRequestException bad =
        raises(BadRequestException.class, () -> answer(ask("x").temperature(3)));
    check(bad.statusCode() == 400 && bad.param().orElseThrow().equals("temperature"), bad);
    NotFoundException unknown =
        raises(NotFoundException.class, () -> answer(ask("x").model("other")));
    check(unknown.code().orElseThrow().equals("model_not_found"), unknown);
    raises(UnauthorizedException.class, () -> client("wrong").models().list());
  }

  private void cancellation() throws Exception {
    CompletionCreateParams params =
        CompletionCreateParams.builder()
            .model(MODEL)
            .prompt("The tide")
            .maxTokens(7000)
            .putAdditionalBodyProperty("ignore_eos", JsonValue.from(true))
            .build();
    try (StreamResponse<Completion> stream = client.completions().createStreaming(params)) {
      check(stream.stream().findFirst().isPresent(), "a first chunk");
      check(load().contains(":1}"), load());
    }
    long deadline = System.nanoTime() + 120_000_000_000L;
    while (!load().contains(":0}")) {
      check(System.nanoTime() < deadline, "still running");
      Thread.sleep(50);
    }
  }

  private String load() throws Exception {
    try (HttpClient http = HttpClient.newHttpClient()) {
      HttpRequest request = HttpRequest.newBuilder(URI.create(url + "/load")).build();
      return http.send(request, BodyHandlers.ofString()).body();
    }
  }

  public static void main(String[] args) throws Exception {
    Suite suite = new Suite(args[0], args[1], Path.of(args[2]));
    Map<String, Check> checks = new LinkedHashMap<>();
    checks.put("models", suite::models);
    checks.put("chat", suite::chat);
    checks.put("streamingWithUsage", suite::streamingWithUsage);
    checks.put("logprobs", suite::logprobs);
    checks.put("severalChoicesAndSeeds", suite::severalChoicesAndSeeds);
    checks.put("stop", suite::stop);
    checks.put("completions", suite::completions);
    checks.put("structuredOutput", suite::structuredOutput);
    checks.put("toolCalls", suite::toolCalls);
    checks.put("errors", suite::errors);
    checks.put("cancellation", suite::cancellation);
    int failed = 0;
    for (Map.Entry<String, Check> entry : checks.entrySet()) {
      try {
        entry.getValue().run();
        System.out.println("ok " + entry.getKey());
      } catch (Exception | AssertionError e) {
        failed++;
        System.out.println("FAILED " + entry.getKey());
        e.printStackTrace(System.out);
      }
    }
    System.out.println((checks.size() - failed) + " passed, " + failed + " failed");
    System.exit(failed == 0 ? 0 : 1);
  }
}
