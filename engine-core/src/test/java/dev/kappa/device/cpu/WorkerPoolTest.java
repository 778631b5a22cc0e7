package dev.kappa.device.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicIntegerArray;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(300)
class WorkerPoolTest {

  private final WorkerPool pool = new WorkerPool(4);
  private final Scratch scratch = new Scratch();

  @AfterEach
  void close() {
    pool.close();
    scratch.close();
  }

  @Test
  void runsEveryItemOnce() {
    assertRunsEveryItemOnce();
  }

  private void assertRunsEveryItemOnce() {
    for (int round = 0; round < 2_000; round++) {
      int items = round % 37;
      AtomicIntegerArray runs = new AtomicIntegerArray(items + 1);
      pool.run(scratch, items, (own, item) -> runs.incrementAndGet(item));
      for (int i = 0; i < items; i++) {
        assertThat(runs.get(i)).isEqualTo(1);
      }
    }
  }

  @Test
  void sharesItemsAmongThreads() {
    CountDownLatch together = new CountDownLatch(4);
    pool.run(
        scratch,
        4,
        (own, item) -> {
          together.countDown();
          awaitUninterrupted(together);
        });
    assertThat(together.getCount()).isZero();
  }

  @Test
  void throwsWhatAnItemThrowsAndGoesOn() {
    assertThatThrownBy(() ->
            pool.run(
                scratch,
                100,
                (own, item) -> {
                  throw new IllegalStateException("item");
                }))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("item");
    assertRunsEveryItemOnce();
  }

  @Test
  void doesAllOfACallersWorkWhenBusyWithAnothers() throws Exception {
    CountDownLatch inside = new CountDownLatch(1);
    CountDownLatch release = new CountDownLatch(1);
    Thread other =
        Thread.ofPlatform()
            .start(() -> {
              try (Scratch own = new Scratch()) {
                pool.run(
                    own,
                    2,
                    (scratchOfWorker, item) -> {
                      inside.countDown();
                      awaitUninterrupted(release);
                    });
              }
            });
    inside.await();
    AtomicIntegerArray runs = new AtomicIntegerArray(10);
    pool.run(scratch, 10, (own, item) -> runs.incrementAndGet(item));
    release.countDown();
    other.join();
    for (int i = 0; i < 10; i++) {
      assertThat(runs.get(i)).isEqualTo(1);
    }
  }

  private static void awaitUninterrupted(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }
}
