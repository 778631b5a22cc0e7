package dev.kappa.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class StopStringsTest {

  @Test
  void passesTextOnWhenThereIsNothingToStopAt() {
    StopStrings stops = new StopStrings(List.of(), false);
    assertThat(stops.append("abc")).isEqualTo("abc");
    assertThat(stops.finish()).isEmpty();
  }

  @Test
  void holdsBackWhatMayBecomeAStopString() {
    StopStrings stops = new StopStrings(List.of("END"), false);
    assertThat(stops.append("abE")).isEqualTo("ab");
    assertThat(stops.append("N")).isEmpty();
    assertThat(stops.append("x")).isEqualTo("ENx");
    assertThat(stops.append("E")).isEmpty();
    assertThat(stops.finish()).isEqualTo("E");
    assertThat(stops.found()).isNull();
  }

  @Test
  void stopsAcrossPieces() {
    StopStrings stops = new StopStrings(List.of("END"), false);
    assertThat(stops.append("abE")).isEqualTo("ab");
    assertThat(stops.append("NDxyz")).isEmpty();
    assertThat(stops.found()).isEqualTo("END");
    assertThat(stops.finish()).isEmpty();
  }

  @Test
  void earliestOfSeveralWins() {
    StopStrings stops = new StopStrings(List.of("late", "er"), false);
    assertThat(stops.append("sooner or later")).isEqualTo("soon");
    assertThat(stops.found()).isEqualTo("er");
  }

  /** Whatever the pieces, the output is the text up to the first stop string. */
  @Test
  void agreesWithSearchingTheWholeText() {
    for (int seed = 0; seed < 2000; seed++) {
      Random random = new Random(seed);
      StringBuilder whole = new StringBuilder();
      for (int i = 0; i < 40; i++) {
        whole.append((char) ('a' + random.nextInt(2)));
      }
      List<String> strings = List.of("aabab", "bbba", "abaaab".substring(0, 4 + random.nextInt(3)));
      StopStrings stops = new StopStrings(strings, false);
      StringBuilder out = new StringBuilder();
      for (int at = 0; at < whole.length() && stops.found() == null; ) {
        int end = Math.min(whole.length(), at + 1 + random.nextInt(5));
        out.append(stops.append(whole.substring(at, end)));
        at = end;
      }
      out.append(stops.finish());
      int expected = whole.length();
      for (String stop : strings) {
        int at = whole.indexOf(stop);
        expected = at >= 0 ? Math.min(expected, at) : expected;
      }
      String found = stops.found();
      if (found == null) {
        assertThat(out.toString()).as("seed %d", seed).isEqualTo(whole.toString());
        assertThat(expected).as("seed %d", seed).isEqualTo(whole.length());
      } else {
        // One that begins earlier may end in a later piece; the one that is complete first counts.
        assertThat(whole.toString()).as("seed %d", seed).startsWith(out + found);
        assertThat(out.length()).as("seed %d", seed).isGreaterThanOrEqualTo(expected);
      }
    }
  }

  /** The engine passes the decoder's rest on when the output ends, whatever ended it. */
  @Test
  void nothingIsTextBehindAStopString() {
    for (boolean include : new boolean[] {false, true}) {
      StopStrings stops = new StopStrings(List.of("END"), include);
      assertThat(stops.append("abENDcENDd")).isEqualTo(include ? "abEND" : "ab");
      assertThat(stops.append("")).isEmpty();
      assertThat(stops.append("xEND")).isEmpty();
      assertThat(stops.finish()).isEmpty();
      assertThat(stops.found()).isEqualTo("END");
    }
  }

  @Test
  void includesTheStringThatWasFound() {
    StopStrings stops = new StopStrings(List.of("END"), true);
    assertThat(stops.append("ab EN")).isEqualTo("ab ");
    assertThat(stops.append("Dcd")).isEqualTo("END");
    assertThat(stops.finish()).isEmpty();
    assertThat(stops.found()).isEqualTo("END");
  }
}
