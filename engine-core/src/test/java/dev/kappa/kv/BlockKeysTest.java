package dev.kappa.kv;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kappa.device.DType;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.Test;

class BlockKeysTest {

  private static final KvLayout LAYOUT = new KvLayout(2, 2, 16, 4, DType.BF16);

  private final int[] tokens = {1, 2, 3, 4, 5, 6, 7, 8};
  private final BlockKeys keys = new BlockKeys(LAYOUT, "model", "cpu-1");

  @Test
  void sameTokensGiveSameKeysInAnotherInstance() {
    BlockKeys again = new BlockKeys(LAYOUT, "model", "cpu-1");
    assertThat(again.next(again.root(""), tokens, 0))
        .isEqualTo(keys.next(keys.root(""), tokens, 0));
  }

  @Test
  void keySurvivesRestarts() {
    // Written down on purpose: stored blocks of an older run must be found by a newer one.
    BlockKey key = keys.next(keys.root(""), tokens, 0);
    assertThat(HexFormat.of().toHexDigits(key.first())).isEqualTo("8c4a0790f3ea006c");
  }

  @Test
  void everythingThatDecidesTheBytesChangesTheKey() {
    BlockKey key = keys.next(keys.root(""), tokens, 0);
    List<BlockKeys> others =
        List.of(
            new BlockKeys(LAYOUT, "model2", "cpu-1"),
            new BlockKeys(LAYOUT, "model", "cpu-2"),
            // The same characters split differently between the two fields.
            new BlockKeys(LAYOUT, "modelc", "pu-1"),
            new BlockKeys(new KvLayout(2, 2, 16, 4, DType.F16), "model", "cpu-1"));
    for (BlockKeys other : others) {
      assertThat(other.next(other.root(""), tokens, 0)).isNotEqualTo(key);
    }
    assertThat(keys.next(keys.root("tenant"), tokens, 0)).isNotEqualTo(key);
    assertThat(keys.next(keys.root(""), tokens, 1)).isNotEqualTo(key);
    assertThat(keys.next(key, tokens, 0)).isNotEqualTo(key);
  }
}
