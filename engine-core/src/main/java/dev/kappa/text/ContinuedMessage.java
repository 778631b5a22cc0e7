package dev.kappa.text;

import dev.kappa.text.jinja.Chars;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Finds where the last message's text ends in a rendered conversation, as transformers' {@code
 * continue_final_message} does: the message is rendered with a mark at its end, and the result cut
 * at the mark.
 */
final class ContinuedMessage {

  private static final String CONTENT = "content";

  /** The space shows whether the template keeps whitespace at a message's end. */
  private static final String MARK = "CONTINUE_FINAL_MESSAGE_TAG ";

  private final List<Map<String, @Nullable Object>> messages = new ArrayList<>();
  private final String text;

  /**
   * Marks a copy of the messages.
   *
   * @throws TextException if the last one has no text
   */
  ContinuedMessage(List<? extends Map<String, ? extends @Nullable Object>> original) {
    if (original.isEmpty()) {
      throw new TextException("there is no message to continue");
    }
    original.forEach(message -> messages.add(new LinkedHashMap<>(message)));
    Map<String, @Nullable Object> last = messages.getLast();
    Object content = last.get(CONTENT);
    if (content instanceof String string) {
      text = string;
      last.put(CONTENT, string + MARK);
    } else if (content instanceof List<?> parts) {
      List<@Nullable Object> marked = new ArrayList<>(parts);
      text = mark(marked);
      last.put(CONTENT, marked);
    } else {
      throw new TextException("the last message has no content to continue");
    }
  }

  /** Marks the last part that has a text, and gives that text. */
  private static String mark(List<@Nullable Object> parts) {
    for (int i = parts.size() - 1; i >= 0; i--) {
      if (parts.get(i) instanceof Map<?, ?> part && part.get("text") instanceof String text) {
        Map<@Nullable Object, @Nullable Object> marked = new LinkedHashMap<>(part);
        marked.put("text", text + MARK);
        parts.set(i, marked);
        return text;
      }
    }
    throw new TextException("the last message has no text to continue");
  }

  List<Map<String, @Nullable Object>> messages() {
    return messages;
  }

  /**
   * The rendered conversation up to the mark.
   *
   * @throws TextException if the template does not render the message as it is
   */
  String cut(String rendered) {
    int end = rendered.lastIndexOf(Chars.strip(MARK));
    if (end < 0 || !rendered.contains(Chars.strip(text))) {
      throw new TextException(
          "the last message cannot be continued: the chat template does not render it as it is");
    }
    String before = rendered.substring(0, end);
    return rendered.startsWith(MARK, end) ? before : Chars.stripEnd(before);
  }
}
