package dev.kappa.kv;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kappa.stats.Histogram;
import org.junit.jupiter.api.Test;

/** What a pool tells of its blocks' lives, on a clock that the test moves. */
class BlockLivesTest {

  private static final long SECOND = 1_000_000_000;

  private long now;
  private final BlockLives lives = new BlockLives(() -> now);
  private final BlockPool pool = new BlockPool(2);

  BlockLivesTest() {
    pool.watch(lives);
  }

  private static BlockKey key(int number) {
    return new BlockKey(number, 1, 2, 3);
  }

  private int published(int key) {
    int block = pool.allocate();
    pool.publish(block, key(key));
    return block;
  }

  private static void check(Histogram histogram, int count, double sum) {
    assertThat(histogram.read().count()).isEqualTo(count);
    assertThat(histogram.read().sum()).isEqualTo(sum);
  }

  /** The first block that is handed out is in the sample. */
  @Test
  void aLifeEndsWhenItsContentGivesWay() {
    int block = published(1);
    int other = pool.allocate();
    now = 3 * SECOND;
    pool.release(block);
    assertThat(pool.acquire(key(1))).isEqualTo(block);
    now = 4 * SECOND;
    pool.release(block);
    assertThat(pool.acquire(key(1))).isEqualTo(block);
    pool.release(block);
    now = 10 * SECOND;
    check(lives.lifetime(), 0, 0);
    assertThat(pool.allocate()).isEqualTo(block);
    check(lives.lifetime(), 1, 10);
    check(lives.idle(), 1, 6);
    check(lives.reuseGap(), 2, 4);
    pool.release(block);
    pool.release(other);
  }

  @Test
  void keepingAContentIsNoUse() {
    int block = published(1);
    now = SECOND;
    pool.hold(key(1));
    pool.retain(block);
    pool.touch(key(1));
    check(lives.reuseGap(), 0, 0);
  }

  @Test
  void whatNobodyCouldFindIsNotCounted() {
    pool.release(pool.allocate());
    now = SECOND;
    pool.release(published(1));
    pool.unpublish(key(1));
    for (int i = 0; i < 50; i++) {
      pool.release(pool.allocate());
    }
    check(lives.lifetime(), 0, 0);
    check(lives.idle(), 0, 0);
  }

  @Test
  void oneInAHundredIsWatched() {
    int blocks = 100_000;
    BlockPool large = new BlockPool(64);
    large.watch(lives);
    for (int i = 0; i < blocks; i++) {
      now += SECOND;
      int block = large.allocate();
      large.publish(block, key(i));
      large.release(block);
    }
    long watched = lives.lifetime().read().count();
    assertThat(watched).isBetween(blocks / 100 - 20L, blocks / 100 + 20L);
    // Each lives until all the others have had their turn.
    assertThat(lives.lifetime().read().sum()).isEqualTo(watched * 64.0);
  }
}
