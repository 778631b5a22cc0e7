package dev.kappa.cli;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Reads a rate such as {@code 0.05GB/s}, {@code 500MB/s} or {@code 2GiB/s}, or plain bytes. */
final class LinkRate implements ITypeConverter<Long> {

  // Letters' case counts: Gb would be bits.
  private static final Pattern FORM =
      Pattern.compile("(\\d{1,15}(?:\\.\\d{1,15})?) ?(?:([kKMGT]?)(i?)B(?:/s)?)?");
  private static final Map<String, Integer> POWERS = Map.of("", 0, "K", 1, "M", 2, "G", 3, "T", 4);
  private static final BigDecimal MAX = BigDecimal.valueOf(1_000_000_000_000_000L);

  @Override
  public Long convert(String text) {
    Matcher form = FORM.matcher(text);
    if (!form.matches() || ("i".equals(form.group(3)) && form.group(2).isEmpty())) {
      throw new TypeConversionException(
          "'" + text + "' is not a rate such as 0.05GB/s, 500MB/s or 50000000");
    }
    String unit = form.group(2) == null ? "" : form.group(2).replace('k', 'K');
    long thousand = "i".equals(form.group(3)) ? 1024 : 1000;
    BigDecimal bytes =
        new BigDecimal(form.group(1))
            .multiply(BigDecimal.valueOf(thousand).pow(POWERS.getOrDefault(unit, 0)));
    if (bytes.compareTo(BigDecimal.ONE) < 0 || bytes.compareTo(MAX) > 0) {
      throw new TypeConversionException(
          "'" + text + "' is not between 1 byte and 1000 TB per second");
    }
    return bytes.setScale(0, RoundingMode.HALF_UP).longValueExact();
  }
}
