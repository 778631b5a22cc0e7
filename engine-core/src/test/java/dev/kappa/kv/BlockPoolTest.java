package dev.kappa.kv;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class BlockPoolTest {

  private final BlockPool pool = new BlockPool(4);

  @AfterEach
  void booksBalance() {
    pool.checkIntegrity();
  }

  private static BlockKey key(int number) {
    return new BlockKey(number, 1, 2, 3);
  }

  private int publishedBlock(int keyNumber) {
    int block = pool.allocate();
    pool.publish(block, key(keyNumber));
    return block;
  }

  @Test
  void handsOutEachBlockOnce() {
    assertThat(List.of(pool.allocate(), pool.allocate(), pool.allocate(), pool.allocate()))
        .doesNotHaveDuplicates();
    assertThatThrownBy(pool::allocate).isInstanceOf(IllegalStateException.class);
  }

  @Test
  void revivesFreeContent() {
    int block = publishedBlock(7);
    pool.release(block);
    assertThat(pool.cached()).isEqualTo(1);
    assertThat(pool.acquire(key(7))).isEqualTo(block);
    assertThat(pool.cached()).isZero();
    assertThat(pool.owners(block)).isEqualTo(1);
  }

  @Test
  void sharesHeldContent() {
    int block = publishedBlock(7);
    assertThat(pool.acquire(key(7))).isEqualTo(block);
    pool.release(block);
    assertThat(pool.free()).isEqualTo(3);
    pool.release(block);
    assertThat(pool.free()).isEqualTo(4);
  }

  @Test
  void reusesEmptyBlocksBeforeCachedOnesAndThoseByAge() {
    int older = publishedBlock(1);
    int newer = publishedBlock(2);
    pool.release(older);
    pool.release(newer);
    pool.allocate();
    pool.allocate();
    assertThat(pool.contains(key(1))).isTrue();
    assertThat(pool.allocate()).isEqualTo(older);
    assertThat(pool.contains(key(1))).isFalse();
    assertThat(pool.contains(key(2))).isTrue();
  }

  @Test
  void keepsTheFirstPublishedCopy() {
    int first = publishedBlock(5);
    int twin = publishedBlock(5);
    pool.release(twin);
    assertThat(pool.acquire(key(5))).isEqualTo(first);
    pool.release(first);
    assertThat(pool.contains(key(5))).isTrue();
  }

  @Test
  void raisesTheGenerationOnReuse() {
    int block = publishedBlock(1);
    long generation = pool.generation(block);
    pool.release(block);
    assertThat(pool.acquire(key(1))).isEqualTo(block);
    assertThat(pool.generation(block)).isEqualTo(generation);
    pool.release(block);
    for (int i = 0; i < 4; i++) {
      pool.allocate();
    }
    assertThat(pool.generation(block)).isEqualTo(generation + 1);
  }

  @Test
  void refusesToReleaseTwice() {
    int block = pool.allocate();
    pool.release(block);
    assertThatThrownBy(() -> pool.release(block)).isInstanceOf(IllegalStateException.class);
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5})
  void agreesWithAModelUnderRandomUse(long seed) {
    Random random = new Random(seed);
    BlockPool subject = new BlockPool(16);
    List<Integer> held = new ArrayList<>();
    Map<BlockKey, Integer> contents = new HashMap<>();
    for (int i = 0; i < 5000; i++) {
      switch (random.nextInt(4)) {
        case 0 -> {
          if (subject.free() > 0) {
            int block = subject.allocate();
            contents.values().remove(block);
            assertThat(held).as("seed %d", seed).doesNotContain(block);
            held.add(block);
          }
        }
        case 1 -> {
          if (!held.isEmpty()) {
            Collections.swap(held, random.nextInt(held.size()), held.size() - 1);
            subject.release(held.removeLast());
          }
        }
        case 2 -> {
          if (!held.isEmpty()) {
            int block = held.get(random.nextInt(held.size()));
            BlockKey key = key(random.nextInt(40));
            if (!contents.containsValue(block)) {
              contents.putIfAbsent(key, block);
            }
            subject.publish(block, key);
          }
        }
        default -> {
          BlockKey key = key(random.nextInt(40));
          int expected = contents.getOrDefault(key, -1);
          int found = subject.acquire(key);
          assertThat(found).as("seed %d", seed).isEqualTo(expected);
          if (found >= 0) {
            held.add(found);
          }
        }
      }
      subject.checkIntegrity();
    }
  }

  @Test
  void severalBlocksComeInAscendingOrderOrNotAtAll() {
    for (int block : new int[] {pool.allocate(), pool.allocate(), pool.allocate()}) {
      pool.release(block);
    }
    assertThat(pool.allocate(3)).isSorted().doesNotHaveDuplicates();
    assertThatThrownBy(() -> pool.allocate(2)).isInstanceOf(IllegalStateException.class);
    assertThat(pool.free()).isEqualTo(1);
  }

  @Test
  void whatIsHeldToBeKeptDoesNotCountAsUsed() {
    int block = publishedBlock(7);
    pool.release(block);
    assertThat(pool.hold(key(7))).isEqualTo(block);
    assertThat(pool.hold(key(8))).isNegative();
    pool.retain(block);
    assertThat(pool.owners(block)).isEqualTo(2);
    pool.release(block);
    pool.release(block);
    pool.allocate(4);
    assertThat(pool.evictedUnused()).isEqualTo(1);
    assertThat(pool.contains(key(7))).isFalse();
    assertThat(pool.find(key(7))).isNegative();
  }

  @Test
  void onlyHeldBlocksAreHeldOnceMore() {
    assertThatThrownBy(() -> pool.retain(0)).isInstanceOf(IllegalStateException.class);
  }

  @Test
  void touchedContentIsReusedLast() {
    int[] blocks = {publishedBlock(1), publishedBlock(2), publishedBlock(3)};
    for (int block : blocks) {
      pool.release(block);
    }
    pool.touch(key(1));
    pool.touch(key(9));
    assertThat(pool.nextEvicted(4)).containsExactly(key(2), key(3), key(1));
    assertThat(pool.nextEvicted(2)).containsExactly(key(2));
  }

  @Test
  void whatIsUnpublishedStaysWithItsHolderAndIsReusedFirst() {
    int held = publishedBlock(1);
    int free = publishedBlock(2);
    pool.release(free);
    pool.unpublish(key(1));
    pool.unpublish(key(2));
    pool.unpublish(key(3));
    assertThat(pool.acquire(key(1))).isNegative();
    assertThat(pool.owners(held)).isEqualTo(1);
    assertThat(pool.cached()).isZero();
    assertThat(pool.allocate()).isEqualTo(free);
    pool.publish(held, key(4));
    assertThat(pool.find(key(4))).isEqualTo(held);
  }

  @Test
  void clearingForgetsFreeContentAlone() {
    int held = publishedBlock(1);
    pool.release(publishedBlock(2));
    pool.release(publishedBlock(3));
    assertThat(pool.clear()).isEqualTo(2);
    assertThat(pool.find(key(1))).isEqualTo(held);
    assertThat(pool.contains(key(2))).isFalse();
    assertThat(pool.free()).isEqualTo(3);
  }

  @Test
  void growsUpToItsLimit() {
    BlockPool growing = new BlockPool(1, 3);
    growing.allocate();
    growing.grow(2);
    assertThat(growing.allocate(2)).containsExactly(1, 2);
    assertThatThrownBy(() -> growing.grow(1)).isInstanceOf(IllegalArgumentException.class);
    growing.checkIntegrity();
  }
}
