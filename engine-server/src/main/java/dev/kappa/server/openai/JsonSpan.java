package dev.kappa.server.openai;

/**
 * Finds the end of a JSON object or array that arrives in pieces: by its brackets, outside of
 * strings. Whether it is JSON otherwise is not its business. Not thread-safe.
 */
final class JsonSpan {

  private int depth;
  private boolean inString;
  private boolean escaped;

  /**
   * @param depth brackets that are open already
   */
  JsonSpan(int depth) {
    this.depth = depth;
  }

  /**
   * Goes on with the next piece.
   *
   * @return how many of its characters belong to the value that ends here; -1 if it goes on
   */
  int end(CharSequence piece) {
    for (int i = 0; i < piece.length(); i++) {
      if (ends(piece.charAt(i))) {
        return i + 1;
      }
    }
    return -1;
  }

  private boolean ends(char c) {
    if (inString) {
      inString = escaped || c != '"';
      escaped = !escaped && c == '\\';
      return false;
    }
    switch (c) {
      case '"' -> inString = true;
      case '{', '[' -> depth++;
      case '}', ']' -> depth--;
      default -> {}
    }
    return depth == 0 && (c == '}' || c == ']');
  }
}
