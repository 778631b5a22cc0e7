package dev.kappa.grammar;

import java.util.Collection;
import java.util.stream.IntStream;

/**
 * A class of characters on which dialects differ: what lies inside in all of them, and what lies
 * outside in all of them. Of what is in between nothing is written. Immutable.
 */
record CharacterClass(CodePoints inside, CodePoints outside) {

  private static final CodePoints ASCII_DIGITS = CodePoints.of('0', '9');
  private static final CodePoints ASCII_WORD =
      ASCII_DIGITS.and('a', 'z').and('A', 'Z').and('_', '_');
  private static final CodePoints ASCII_SPACE = CodePoints.of(" \t\n\u000b\f\r");

  /** All that any dialect calls white space. */
  private static final CodePoints WIDE_SPACE =
      ASCII_SPACE
          .and(CodePoints.of("\u001c\u001d\u001e\u001f\u0085\u00a0\u1680\u180e"))
          .and(0x2000, 0x200b)
          .and(CodePoints.of("\u2028\u2029\u202f\u205f\u2060\u3000\ufeff"));

  /**
   * Characters that no dialect takes for a part of a word: those of ASCII, and blocks of symbols
   * and punctuation. All others would be hundreds of ranges.
   */
  private static final CodePoints NO_WORD =
      CodePoints.of(0, 0x7f)
          .without(ASCII_WORD)
          .and(0x2010, 0x203e)
          .and(0x20a0, 0x20bf)
          .and(0x2190, 0x23ff)
          .and(0x2500, 0x2775)
          .and(0x3001, 0x3003)
          .and(0x1f300, 0x1f64f)
          .and(0x1f900, 0x1f9ff);

  /** {@code \d}: everywhere ASCII's, in some dialects those of all scripts. */
  static final CharacterClass DIGITS =
      new CharacterClass(ASCII_DIGITS, ASCII_DIGITS.and(otherDigits()).complement());

  /** {@code \w}: in some dialects the letters of all scripts. */
  static final CharacterClass WORD = new CharacterClass(ASCII_WORD, NO_WORD);

  /** {@code \s}. */
  static final CharacterClass SPACE = new CharacterClass(ASCII_SPACE, WIDE_SPACE.complement());

  /** Exactly these. */
  static CharacterClass of(CodePoints points) {
    return new CharacterClass(points, points.complement());
  }

  CharacterClass negated() {
    return new CharacterClass(outside, inside);
  }

  /** What is in any of them. */
  static CharacterClass union(Collection<CharacterClass> all) {
    CodePoints inside = CodePoints.union(all.stream().map(CharacterClass::inside).toList());
    CodePoints notOutside =
        CodePoints.union(all.stream().map(c -> c.outside.complement()).toList());
    return new CharacterClass(inside, notOutside.complement());
  }

  private static CodePoints otherDigits() {
    return CodePoints.union(
        IntStream.rangeClosed(0x80, Character.MAX_CODE_POINT)
            .filter(Character::isDigit)
            .mapToObj(point -> CodePoints.of(point, point))
            .toList());
  }
}
