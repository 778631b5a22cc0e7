package dev.kappa.grammar;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kappa.sample.Constraint.Cursor;
import dev.kappa.text.Tokenizer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.StringNode;

/** Patterns against Java's own expressions, and what is refused. */
class RegexTest {

  private static final JsonMapper JSON = new JsonMapper();
  private static final Tokenizer BYTES = Vocabularies.of(300, 1);
  private static final Grammars GRAMMARS = new Grammars(BYTES, BYTES.vocabularySize());
  private static final String[] ATOMS = {
    "a", "b", ".", "\\d", "\\w", "[ab]", "[^a]", "[a-c1]", "\\.", "é", "\\S", "\\x61", "\\u0062",
    "(?:ab)"
  };
  private static final String[] COUNTS = {"", "", "", "*", "+", "?", "{2}", "{1,2}", "{0,}", "*?"};
  private static final String LETTERS = "ab1.é c_";

  private static Grammar grammar(String pattern) {
    return GRAMMARS.schema(JSON.createObjectNode().put("type", "string").put("pattern", pattern));
  }

  private static boolean accepts(Grammar grammar, String text) {
    Cursor cursor = grammar.begin();
    for (byte b : StringNode.valueOf(text).toString().getBytes(StandardCharsets.UTF_8)) {
      int token = b & 0xff;
      if ((cursor.allowed()[token >> 6] & 1L << token) == 0) {
        return false;
      }
      cursor.accept(token);
    }
    return cursor.mayEnd();
  }

  private static String expression(Random random, int depth) {
    StringBuilder text = new StringBuilder();
    for (int i = random.nextInt(3); i >= 0; i--) {
      String atom =
          depth > 0 && random.nextInt(3) == 0
              ? "(" + expression(random, depth - 1) + ")"
              : ATOMS[random.nextInt(ATOMS.length)];
      text.append(atom).append(COUNTS[random.nextInt(COUNTS.length)]);
    }
    if (depth > 0 && random.nextInt(3) == 0) {
      text.append('|').append(expression(random, depth - 1));
    }
    return text.toString();
  }

  /** A text is in the grammar if and only if Java finds a match in it. */
  @Test
  void randomExpressionsFindWhatJavaFinds() {
    int found = 0;
    for (int seed = 0; seed < 400; seed++) {
      Random random = new Random(seed);
      String inner = expression(random, 2);
      String pattern =
          switch (random.nextInt(4)) {
            case 0 -> inner;
            case 1 -> "^(?:" + inner + ")";
            case 2 -> "(?:" + inner + ")$";
            default -> "^(?:" + inner + ")$";
          };
      Grammar grammar = grammar(pattern);
      Pattern java = Pattern.compile(pattern);
      List<String> texts = new ArrayList<>(List.of("", "a", "ab", "abab"));
      for (int i = 0; i < 30; i++) {
        StringBuilder text = new StringBuilder();
        for (int length = random.nextInt(6); length > 0; length--) {
          text.append(LETTERS.charAt(random.nextInt(LETTERS.length())));
        }
        texts.add(text.toString());
      }
      for (String text : texts) {
        boolean matches = java.matcher(text).find();
        found += matches ? 1 : 0;
        assertThat(accepts(grammar, text))
            .as("seed %d, pattern %s, text '%s'", seed, pattern, text)
            .isEqualTo(matches);
      }
    }
    assertThat(found).isBetween(2000, 12_000);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock =
          """
          `a(?=b)`     | lookahead is not supported, at position 1
          `(?!b)`      | lookahead is not supported, at position 0
          `(?<=a)b`    | lookbehind is not supported, at position 0
          `(a)\\1`     | backreferences are not supported, at position 3
          `(?<n>a)\\k<n>`| backreferences are not supported, at position 7
          `a\\b`       | word boundaries are not supported, at position 1
          `\\p{L}`     | the escape '\\p' is not supported, at position 0
          `a^b`        | '^' is supported only at the ends, at position 1
          `(a$)`       | '$' is supported only at the ends, at position 2
          `a$b`        | '$' is supported only at the end, at position 2
          `(a`         | the group is not closed, at position 0
          `a)`         | ')' closes no group, at position 1
          `[a`         | the class is not closed, at position 0
          `[b-a]`      | the range is none, at position 1
          `*a`         | there is nothing to repeat, at position 0
          `a**`        | there is nothing to repeat, at position 2
          `a{2,1}`     | '{' must be followed by one number or two, and '}', at position 1
          `a{99999}`   | numbers above 10000 are not supported, at position 7
          `(?i)a`      | this kind of group is not supported, at position 0
          `a\\`        | nothing follows the backslash, at position 2
          `\\ud800`    | the escape is no character, at position 2
          """)
  void saysWhatIsNotRegularAndWhere(String pattern, String message) {
    assertThatThrownBy(() -> grammar(pattern))
        .isInstanceOfSatisfying(
            GrammarException.class, e -> assertThat(e.path()).isEqualTo("pattern"))
        .hasMessage("pattern: " + message);
  }

  @Test
  void hostileExpressionsAreRefusedQuickly() {
    for (String pattern :
        List.of(
            "(((a{900}){900}){900})",
            "(".repeat(60) + ")".repeat(60),
            "(?:[a-z]{9000}){9000}",
            "^(?:a" + "|".repeat(5000) + "){10000}$",
            "x".repeat(10_001))) {
      assertThatThrownBy(() -> grammar(pattern)).isInstanceOf(GrammarException.class);
    }
  }

  /** Written out, it would be nothing for 300 thousand million times. */
  @Test
  @Timeout(120)
  void repeatedNothingTakesNoTime() {
    Grammar grammar = grammar("^((" + "()".repeat(3000) + "){10000}){10000}a{0}b$");
    assertThat(accepts(grammar, "b")).isTrue();
    assertThat(accepts(grammar, "ab")).isFalse();
    assertThat(accepts(grammar, "")).isFalse();
  }

  /** ECMA-262 has no-break spaces among its white space, and others have letters of all scripts. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          ^[^\\s]$    | \u00a0\u200b\ufeff    | aé\u0660!
          ^\\S$       | \u00a0\u200b\ufeff    | aé\u0660!
          ^[^\\S]$    | \u00a0\u200ba          | ' '
          ^[^\\d]$    | 7\u0660\uff11          | aé\u00a0!
          ^\\D$       | 7\u0660\uff11          | aé\u00a0!
          ^[\\D7]$    | 8\u0660                 | 7aé
          ^[^\\w]$    | aé\u0660_\u0301        | !-€→
          ^\\W$       | aé\u0660_\u0301        | !-€→
          ^[^\\Wa]$   | é\u0660a!               | b_0
          """)
  void classesAreNarrowedToWhatAllDialectsAgreeOn(String pattern, String refused, String taken) {
    Grammar grammar = grammar(pattern);
    for (String c : refused.translateEscapes().split("")) {
      assertThat(accepts(grammar, c)).as("%s U+%04X", pattern, (int) c.charAt(0)).isFalse();
    }
    for (String c : taken.translateEscapes().split("")) {
      assertThat(accepts(grammar, c)).as("%s U+%04X", pattern, (int) c.charAt(0)).isTrue();
    }
  }

  @Test
  void alternativesMayHaveAnchorsOfTheirOwn() {
    Grammar grammar = grammar("^ab|c$|^$");
    assertThat(accepts(grammar, "abx")).isTrue();
    assertThat(accepts(grammar, "xc")).isTrue();
    assertThat(accepts(grammar, "")).isTrue();
    assertThat(accepts(grammar, "xab")).isFalse();
    assertThat(accepts(grammar, "cx")).isFalse();
  }
}
