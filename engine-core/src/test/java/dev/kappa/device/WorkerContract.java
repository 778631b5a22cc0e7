package dev.kappa.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.ValueLayout;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;

/** When workers run, and when streams signal them. */
abstract class WorkerContract extends SpanContract {

  /** Long enough for any machine; only failing tests wait for it. */
  private static final long PATIENCE_SECONDS = 60;

  /** Long enough to see what must not happen happen, mostly. */
  private static final long MOMENT_MILLIS = 30;

  private final Semaphore began = new Semaphore(0);
  private final Semaphore mayEnd = new Semaphore(0);
  private final AtomicInteger runs = new AtomicInteger();

  /** Holds a stream up until the latch opens; false if the device has no way of doing so. */
  protected abstract boolean submitWait(Stream target, CountDownLatch latch);

  /** A worker that counts its runs. */
  private Worker counter() {
    return own(
        device.newWorker(
            "counter",
            () -> {
              runs.incrementAndGet();
              began.release();
              return Worker.WHEN_SIGNALLED;
            }));
  }

  /** A worker whose runs begin and end under the test's eyes. */
  private Worker watched() {
    return own(
        device.newWorker(
            "watched",
            () -> {
              runs.incrementAndGet();
              began.release();
              mayEnd.acquireUninterruptibly();
              return Worker.WHEN_SIGNALLED;
            }));
  }

  private static void acquire(Semaphore semaphore) throws InterruptedException {
    assertThat(semaphore.tryAcquire(PATIENCE_SECONDS, TimeUnit.SECONDS)).isTrue();
  }

  @Test
  void sleepsUntilSignalled() throws Exception {
    Worker worker = counter();
    Thread.sleep(MOMENT_MILLIS);
    assertThat(runs).hasValue(0);
    worker.signal();
    acquire(began);
    worker.close();
    assertThat(runs).hasValue(1);
  }

  @Test
  void takesSignalsBeforeARunBeginsAsOne() throws Exception {
    Worker worker = watched();
    worker.signal();
    acquire(began);
    for (int i = 0; i < 100; i++) {
      worker.signal();
    }
    mayEnd.release(1000);
    acquire(began);
    worker.close();
    assertThat(runs).hasValue(2);
  }

  @Test
  void runsALastTimeForASignalNotSeen() throws Exception {
    Worker worker = watched();
    worker.signal();
    acquire(began);
    worker.signal();
    Thread closer = Thread.ofPlatform().start(worker::close);
    assertThat(closer.join(Duration.ofMillis(MOMENT_MILLIS))).as("closed in mid-run").isFalse();
    mayEnd.release(1000);
    assertThat(closer.join(Duration.ofSeconds(PATIENCE_SECONDS))).isTrue();
    assertThat(runs).hasValue(2);
  }

  @Test
  void runsNoMoreOnceClosed() throws Exception {
    Worker worker = counter();
    worker.signal();
    acquire(began);
    worker.close();
    worker.close();
    worker.signal();
    stream.signal(worker);
    stream.synchronize();
    Thread.sleep(MOMENT_MILLIS);
    assertThat(runs).hasValue(1);
  }

  @Test
  void endsThoughTheTaskSignalsItselfForever() throws Exception {
    AtomicReference<Worker> self = new AtomicReference<>();
    Worker worker =
        own(
            device.newWorker(
                "eager",
                () -> {
                  self.get().signal();
                  began.release();
                  return device.clock().nanos();
                }));
    self.set(worker);
    worker.signal();
    assertThat(began.tryAcquire(10, PATIENCE_SECONDS, TimeUnit.SECONDS)).isTrue();
    worker.close();
    began.drainPermits();
    Thread.sleep(MOMENT_MILLIS);
    assertThat(began.availablePermits()).as("runs after closing").isZero();
  }

  @Test
  void runsAgainAtTheTimeItNamed() throws Exception {
    List<Long> times = new ArrayList<>();
    Clock clock = device.clock();
    Worker worker =
        own(
            device.newWorker(
                "timed",
                () -> {
                  long now = clock.nanos();
                  times.add(now);
                  began.release();
                  return times.size() < 4 ? now + 5_000_000 : Worker.WHEN_SIGNALLED;
                }));
    worker.signal();
    assertThat(began.tryAcquire(4, PATIENCE_SECONDS, TimeUnit.SECONDS)).isTrue();
    worker.close();
    assertThat(times).hasSize(4);
    for (int i = 1; i < 4; i++) {
      assertThat(times.get(i) - times.get(i - 1)).isGreaterThanOrEqualTo(5_000_000);
    }
  }

  @Test
  void runsAgainAtOnceForATimeThatIsPast() throws Exception {
    Clock clock = device.clock();
    Worker worker =
        own(
            device.newWorker(
                "busy",
                () -> {
                  began.release();
                  return switch (runs.incrementAndGet()) {
                    case 1 -> clock.nanos();
                    case 2 -> clock.nanos() - 1_000_000_000;
                    case 3 -> Long.MIN_VALUE;
                    default -> Worker.WHEN_SIGNALLED;
                  };
                }));
    worker.signal();
    assertThat(began.tryAcquire(4, PATIENCE_SECONDS, TimeUnit.SECONDS)).isTrue();
    worker.close();
    assertThat(runs).hasValue(4);
  }

  @Test
  void hearsASignalWhileItWaitsForATime() throws Exception {
    Clock clock = device.clock();
    Worker worker =
        own(
            device.newWorker(
                "patient",
                () -> {
                  runs.incrementAndGet();
                  began.release();
                  return clock.nanos() + TimeUnit.HOURS.toNanos(1);
                }));
    for (int i = 0; i < 3; i++) {
      worker.signal();
      acquire(began);
    }
    worker.close();
    assertThat(runs).as("closing does not wait for the time").hasValue(3);
  }

  @Test
  void runsOnceMoreWhenTheTaskSignalsItself() throws Exception {
    AtomicReference<Worker> self = new AtomicReference<>();
    Worker worker =
        own(
            device.newWorker(
                "self",
                () -> {
                  if (runs.incrementAndGet() == 1) {
                    self.get().signal();
                  }
                  began.release();
                  return Worker.WHEN_SIGNALLED;
                }));
    self.set(worker);
    worker.signal();
    assertThat(began.tryAcquire(2, PATIENCE_SECONDS, TimeUnit.SECONDS)).isTrue();
    worker.close();
    assertThat(runs).hasValue(2);
  }

  @Test
  void refusesToBeClosedByItsTask() throws Exception {
    AtomicReference<Worker> self = new AtomicReference<>();
    AtomicInteger refusals = new AtomicInteger();
    AtomicBoolean current = new AtomicBoolean();
    Worker worker =
        own(
            device.newWorker(
                "closing",
                () -> {
                  current.set(self.get().isCurrent());
                  try {
                    self.get().close();
                  } catch (IllegalStateException e) {
                    refusals.incrementAndGet();
                  }
                  began.release();
                  return Worker.WHEN_SIGNALLED;
                }));
    self.set(worker);
    assertThat(worker.isCurrent()).isFalse();
    for (int i = 1; i <= 2; i++) {
      worker.signal();
      acquire(began);
      assertThat(refusals).hasValue(i);
    }
    assertThat(current).isTrue();
  }

  @Test
  void neverRunsTwiceAtOnce() throws Exception {
    AtomicInteger inside = new AtomicInteger();
    AtomicInteger most = new AtomicInteger();
    Worker worker =
        own(
            device.newWorker(
                "alone",
                () -> {
                  most.accumulateAndGet(inside.incrementAndGet(), Math::max);
                  Thread.yield();
                  inside.decrementAndGet();
                  runs.incrementAndGet();
                  return device.clock().nanos() + 1000;
                }));
    List<Thread> threads = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      threads.add(
          Thread.ofPlatform()
              .start(() -> {
                for (int n = 0; n < 2000; n++) {
                  worker.signal();
                }
              }));
    }
    for (Thread thread : threads) {
      thread.join();
    }
    worker.close();
    assertThat(runs.get()).isPositive();
    assertThat(most).hasValue(1);
  }

  @Test
  void isSignalledOnlyAfterTheStreamsEarlierWork() throws Exception {
    CountDownLatch latch = new CountDownLatch(1);
    Worker worker = counter();
    if (!submitWait(stream, latch)) {
      return;
    }
    try {
      stream.signal(worker);
      Thread.sleep(MOMENT_MILLIS);
      assertThat(runs).hasValue(0);
    } finally {
      latch.countDown();
    }
    acquire(began);
    stream.synchronize();
    worker.close();
    assertThat(runs).hasValue(1);
  }

  @Test
  void isSignalledBeforeTheStreamsLaterWorkIsDone() {
    Worker worker = counter();
    stream.signal(worker);
    stream.synchronize();
    worker.close();
    assertThat(runs).hasValue(1);
  }

  @Test
  void seesWhatTheStreamCopiedBeforeTheSignal() throws Exception {
    int bytes = 1 << 16;
    HostMemory source = own(device.allocateHost(bytes));
    HostMemory target = own(device.allocateHost(bytes));
    DeviceMemory memory = own(device.allocate(bytes));
    AtomicInteger seen = new AtomicInteger(-1);
    Worker worker =
        own(
            device.newWorker(
                "reader",
                () -> {
                  seen.set(target.segment().get(ValueLayout.JAVA_BYTE, bytes - 1));
                  began.release();
                  return Worker.WHEN_SIGNALLED;
                }));
    for (int i = 0; i < 50; i++) {
      source.segment().fill((byte) i);
      stream.copy(memory, 0, source, 0, bytes);
      stream.copy(target, 0, memory, 0, bytes);
      stream.signal(worker);
      acquire(began);
      assertThat(seen).hasValue(i);
    }
  }

  @Test
  void isNotOfferedByAClosedStream() {
    Worker worker = counter();
    Stream closed = device.newStream("closed");
    closed.close();
    assertThatThrownBy(() -> closed.signal(worker)).isInstanceOf(IllegalStateException.class);
  }
}
