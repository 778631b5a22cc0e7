package dev.kappa.text;

import dev.kappa.text.Conversation.Ending;
import dev.kappa.text.jinja.JinjaException;
import dev.kappa.text.jinja.Template;
import java.nio.file.Path;
import java.time.Clock;
import java.time.ZoneId;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A model's chat template: turns a conversation into the prompt text the model was trained on, as
 * transformers' {@code apply_chat_template} does. Immutable and thread-safe.
 *
 * <p>The text already holds the model's special tokens, so it is encoded without adding more.
 */
public final class ChatTemplate {

  /**
   * Bound of the work of one rendering, in units of a character copied: far more than a
   * conversation of a million tokens needs, and over within seconds.
   */
  static final long MAX_WORK = 100_000_000;

  private static final String TOOL_USE = "tool_use";

  /** Of all templates. */
  private final String source;

  private final Template template;
  private final @Nullable Template toolUse;
  private final Map<String, String> specialTokens;
  private final Clock clock;

  private ChatTemplate(
      String source,
      Template template,
      @Nullable Template toolUse,
      Map<String, String> specialTokens,
      Clock clock) {
    this.source = source;
    this.template = template;
    this.toolUse = toolUse;
    this.specialTokens = Map.copyOf(specialTokens);
    this.clock = clock;
  }

  /**
   * The template of a model directory, or null where it has none.
   *
   * @throws TextException if it is broken, naming the line
   */
  public static @Nullable ChatTemplate load(Path modelDirectory) {
    TokenizerConfig config = TokenizerConfig.load(modelDirectory);
    String source = config.chatTemplates().get(TokenizerConfig.DEFAULT_TEMPLATE);
    if (source == null) {
      return null;
    }
    String forTools = config.chatTemplates().get(TOOL_USE);
    try {
      return new ChatTemplate(
          forTools == null ? source : source + forTools,
          Template.parse(source),
          forTools == null ? null : Template.parse(forTools),
          config.specialTokens(),
          Clock.system(ZoneId.systemDefault()));
    } catch (JinjaException e) {
      throw new TextException("chat template of " + modelDirectory + ": " + e.getMessage(), e);
    }
  }

  /**
   * A template by its source.
   *
   * @param specialTokens variables such as {@code bos_token}
   * @throws TextException if it is broken, naming the line
   */
  public static ChatTemplate parse(String source, Map<String, String> specialTokens) {
    return new ChatTemplate(
        source, Template.parse(source), null, specialTokens, Clock.system(ZoneId.systemDefault()));
  }

  /** The same template with another time for {@code strftime_now}. */
  public ChatTemplate withClock(Clock clock) {
    return new ChatTemplate(source, template, toolUse, specialTokens, clock);
  }

  /** Whether the template's source speaks of something, such as a role. */
  public boolean mentions(String word) {
    return source.contains(word);
  }

  /** A message of plain text. */
  public static Map<String, Object> message(String role, String content) {
    return Map.of("role", role, "content", content);
  }

  /** As {@link #render(Conversation)}; tools and documents are variables. */
  public String render(
      List<? extends Map<String, ? extends @Nullable Object>> messages,
      boolean addGenerationPrompt,
      Map<String, ? extends @Nullable Object> variables) {
    Ending ending = addGenerationPrompt ? Ending.GENERATION_PROMPT : Ending.AFTER_LAST_MESSAGE;
    return render(new Conversation(messages, null, null, ending, variables));
  }

  /**
   * Renders a conversation.
   *
   * @throws TemplateRejection if the template refuses the conversation
   * @throws TextException if the template fails, naming the line, or the last message is to be
   *     continued and has no text, or none that the template renders as it is
   */
  public String render(Conversation conversation) {
    if (conversation.ending() != Ending.WITHIN_LAST_MESSAGE) {
      return render(conversation, conversation.messages());
    }
    ContinuedMessage last = new ContinuedMessage(conversation.messages());
    return last.cut(render(conversation, last.messages()));
  }

  private String render(
      Conversation conversation, List<? extends Map<String, ? extends @Nullable Object>> messages) {
    Map<String, @Nullable Object> all = new HashMap<>(specialTokens);
    // Always defined in transformers, if only as None.
    all.put("tools", null);
    all.put("documents", null);
    all.putAll(conversation.variables());
    if (conversation.tools() != null) {
      all.put("tools", conversation.tools());
    }
    if (conversation.documents() != null) {
      all.put("documents", conversation.documents());
    }
    all.put("messages", messages);
    all.put("add_generation_prompt", conversation.ending() == Ending.GENERATION_PROMPT);
    Template chosen = toolUse != null && all.get("tools") != null ? toolUse : template;
    return chosen.render(all, clock, MAX_WORK);
  }
}
