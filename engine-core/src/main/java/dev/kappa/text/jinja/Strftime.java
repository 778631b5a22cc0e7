package dev.kappa.text.jinja;

import java.time.LocalDateTime;
import java.time.format.DateTimeFormatter;
import java.util.Locale;

/** C's {@code strftime} in the C locale. */
final class Strftime {

  private Strftime() {}

  static String format(LocalDateTime time, String format) {
    StringBuilder out = new StringBuilder();
    for (int i = 0; i < format.length(); i++) {
      char c = format.charAt(i);
      if (c != '%' || i + 1 == format.length()) {
        out.append(c);
        continue;
      }
      boolean unpadded = format.charAt(i + 1) == '-' && i + 2 < format.length();
      i += unpadded ? 2 : 1;
      String field = field(time, format.charAt(i));
      out.append(unpadded ? field.replaceFirst("^0+(?=\\d)", "") : field);
    }
    return out.toString();
  }

  private static String field(LocalDateTime time, char conversion) {
    return switch (conversion) {
      case '%' -> "%";
      case 'n' -> "\n";
      case 't' -> "\t";
      case 'e' -> "%2d".formatted(time.getDayOfMonth());
      case 'c' -> format(time, "%a %b %e %H:%M:%S %Y");
      case 'x', 'D' -> format(time, "%m/%d/%y");
      case 'X', 'T' -> format(time, "%H:%M:%S");
      case 'R' -> format(time, "%H:%M");
      case 'F' -> format(time, "%Y-%m-%d");
      case 'u' -> Integer.toString(time.getDayOfWeek().getValue());
      case 'w' -> Integer.toString(time.getDayOfWeek().getValue() % 7);
      default -> {
        String pattern =
            switch (conversion) {
              case 'Y' -> "uuuu";
              case 'y' -> "uu";
              case 'm' -> "MM";
              case 'd' -> "dd";
              case 'H' -> "HH";
              case 'I' -> "hh";
              case 'M' -> "mm";
              case 'S' -> "ss";
              case 'f' -> "SSSSSS";
              case 'p' -> "a";
              case 'j' -> "DDD";
              case 'B' -> "MMMM";
              case 'b', 'h' -> "MMM";
              case 'A' -> "EEEE";
              case 'a' -> "EEE";
              default ->
                  throw new JinjaException(
                      "strftime_now(): '%" + conversion + "' is not supported");
            };
        // Locale.ENGLISH would follow the JDK's CLDR data; US names are those of the C locale.
        yield DateTimeFormatter.ofPattern(pattern, Locale.US).format(time);
      }
    };
  }
}
