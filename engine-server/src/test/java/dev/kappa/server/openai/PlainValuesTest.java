package dev.kappa.server.openai;

import static org.assertj.core.api.Assertions.assertThat;

import java.math.BigInteger;
import org.assertj.core.api.InstanceOfAssertFactories;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.json.JsonMapper;

class PlainValuesTest {

  @Test
  void numbersKeepTheirValue() {
    String json =
        "{\"a\": 7, \"b\": 18446744073709551615, \"c\": 2.0, \"d\": [1e20, -9223372036854775808]}";
    assertThat(PlainValues.object(JsonMapper.builder().build().readTree(json)))
        .containsEntry("a", 7L)
        .containsEntry("b", new BigInteger("18446744073709551615"))
        .containsEntry("c", 2.0)
        .extractingByKey("d")
        .asInstanceOf(InstanceOfAssertFactories.LIST)
        .containsExactly(1e20, Long.MIN_VALUE);
  }
}
