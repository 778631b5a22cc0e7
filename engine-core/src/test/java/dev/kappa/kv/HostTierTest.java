package dev.kappa.kv;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kappa.device.HostMemory;
import dev.kappa.device.ScriptedDevice;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(300)
class HostTierTest {

  private static final long BLOCK = 4096;
  private static final int CHUNK = 4;

  private final ScriptedDevice device = ScriptedDevice.cpu(1);
  private final AtomicInteger grown = new AtomicInteger();

  @AfterEach
  void nothingLeaks() {
    assertThat(device.allocatedBytes()).isZero();
    device.close();
  }

  private HostTier tier(int blocks) {
    return new HostTier(device, BLOCK, blocks * BLOCK + 1, CHUNK * BLOCK, grown::incrementAndGet);
  }

  private static void awaitGrowth(HostTier tier) {
    while (tier.isGrowing()) {
      tier.adopt();
      Thread.onSpinWait();
    }
  }

  /** Refuses to pin anything. */
  private void refusePinning() {
    device.follow(
        new ScriptedDevice.Script() {
          @Override
          public void beforeAllocateHost(long bytes) {
            throw ScriptedDevice.refusal();
          }

          @Override
          public void beforeAllocateUnpinned(long bytes) {}
        });
  }

  /** Refuses the chunk of this number, counted from 0, pinned or not. */
  private void refuseChunk(int which) {
    AtomicInteger chunks = new AtomicInteger();
    device.follow(
        new ScriptedDevice.Script() {
          @Override
          public void beforeAllocateHost(long bytes) {
            if (chunks.getAndIncrement() == which) {
              throw ScriptedDevice.refusal();
            }
          }

          @Override
          public void beforeAllocateUnpinned(long bytes) {
            throw ScriptedDevice.refusal();
          }
        });
  }

  @Test
  void beginsWithAChunkAndGrowsAsFarAsIsAskedUpToItsLimit() {
    try (HostTier tier = tier(10)) {
      assertThat(tier.pool().total()).isEqualTo(4);
      assertThat(tier.isGrowing()).isFalse();
      tier.demand(2);
      assertThat(tier.isGrowing()).as("half a chunk is kept in reserve").isFalse();
      tier.demand(3);
      assertThat(tier.isGrowing()).isTrue();
      awaitGrowth(tier);
      assertThat(tier.pool().total()).isEqualTo(8);
      assertThat(grown.get()).isPositive();
      tier.demand(1000);
      awaitGrowth(tier);
      assertThat(tier.pool().total()).isEqualTo(10);
      assertThat(device.allocatedBytes()).isEqualTo(10 * BLOCK);
      tier.demand(1000);
      assertThat(tier.isGrowing()).isFalse();
      assertThat(tier.reachable()).isEqualTo(10);
    }
  }

  @Test
  void everyBlockHasBytesOfItsOwnAndNoRunCrossesAChunk() {
    try (HostTier tier = tier(10)) {
      tier.demand(10);
      awaitGrowth(tier);
      for (int block = 0; block < 10; block++) {
        HostMemory memory = tier.memory(block);
        memory.segment().asSlice(tier.offset(block), BLOCK).fill((byte) block);
        tier.seal(block);
        boolean last = block % CHUNK == CHUNK - 1;
        assertThat(tier.isRun(block, block + 1)).as("block %d", block).isNotEqualTo(last);
        assertThat(tier.isRun(block, block)).isFalse();
        assertThat(tier.isRun(block, block + 2)).isFalse();
      }
      for (int block = 0; block < 10; block++) {
        assertThat(tier.isIntact(block)).isTrue();
      }
      tier.memory(5).segment().asSlice(tier.offset(5), 1).fill((byte) 77);
      assertThat(tier.isIntact(5)).isFalse();
      assertThat(tier.isIntact(4)).isTrue();
      assertThat(tier.isIntact(6)).isTrue();
    }
  }

  @Test
  void takesOtherMemoryIfNoneCanBePinned() {
    refusePinning();
    try (HostTier tier = tier(10)) {
      assertThat(tier.pool().total()).isEqualTo(4);
      tier.demand(10);
      awaitGrowth(tier);
      assertThat(tier.pool().total()).isEqualTo(10);
    }
  }

  @Test
  void makesDoWithWhatCouldBePinned() {
    try (HostTier tier = tier(20)) {
      refusePinning();
      tier.demand(20);
      awaitGrowth(tier);
      assertThat(tier.pool().total()).isEqualTo(4);
      assertThat(tier.reachable()).isEqualTo(4);
    }
  }

  @Test
  void refusedFromTheStartItHasNothing() {
    refuseChunk(0);
    try (HostTier tier = tier(10)) {
      assertThat(tier.pool().total()).isZero();
      assertThat(tier.reachable()).isZero();
      tier.demand(10);
      assertThat(tier.isGrowing()).isFalse();
    }
  }

  @Test
  void refusedLaterItKeepsWhatItHas() {
    refuseChunk(2);
    try (HostTier tier = tier(20)) {
      tier.demand(20);
      assertThat(tier.reachable()).isEqualTo(20);
      awaitGrowth(tier);
      assertThat(tier.pool().total()).isEqualTo(8);
      assertThat(tier.reachable()).isEqualTo(8);
      tier.demand(20);
      assertThat(tier.isGrowing()).isFalse();
    }
  }

  /** Whoever plans by it must not see it change between two looks. */
  @Test
  void aRefusalCountsFromTheNextAdoptionOn() {
    refuseChunk(1);
    try (HostTier tier = tier(20)) {
      int before = grown.get();
      tier.demand(20);
      while (grown.get() == before) {
        Thread.onSpinWait();
      }
      assertThat(tier.isGrowing()).isTrue();
      assertThat(tier.reachable()).isEqualTo(20);
      tier.adopt();
      assertThat(tier.isGrowing()).isFalse();
      assertThat(tier.reachable()).isEqualTo(4);
    }
  }

  @Test
  void memoryThatComesWhileItClosesIsGivenBack() {
    HostTier tier = tier(1000);
    tier.demand(1000);
    tier.close();
  }
}
