package dev.kappa.device.virtual;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kappa.device.Stream;
import dev.kappa.device.Worker;
import java.util.ArrayList;
import java.util.List;
import java.util.function.LongSupplier;
import org.junit.jupiter.api.Test;

class VirtualWorkerTest extends VirtualFixture {

  private final List<String> log = new ArrayList<>();

  private Worker worker(String name, LongSupplier task) {
    return device.newWorker(
        name,
        () -> {
          log.add(name + " at " + now());
          return task.getAsLong();
        });
  }

  private Worker idler(String name) {
    return worker(name, () -> Worker.WHEN_SIGNALLED);
  }

  @Test
  void sleepsUntilItIsSignalledAndTakesSeveralSignalsForOne() {
    Worker worker = idler("a");
    device.run();
    assertThat(log).isEmpty();
    worker.signal();
    worker.signal();
    assertThat(log).as("nobody drives yet").isEmpty();
    device.run();
    assertThat(log).containsExactly("a at 0");
    device.at(70, worker::signal);
    device.run();
    assertThat(log).containsExactly("a at 0", "a at 70");
    worker.close();
  }

  @Test
  void runsAgainAtTheTimeItNamed() {
    int[] runs = {0};
    Worker worker = worker("a", () -> ++runs[0] < 4 ? now() + 100 : Worker.WHEN_SIGNALLED);
    worker.signal();
    device.at(150, worker::signal);
    device.run();
    assertThat(log).containsExactly("a at 0", "a at 100", "a at 150", "a at 250");
    assertThat(now()).as("the time given up at 150 does not count").isEqualTo(250);
    worker.close();
  }

  @Test
  void aTimeThatHasPassedMeansAtOnce() {
    int[] runs = {0};
    Worker worker = worker("a", () -> ++runs[0] < 3 ? 0 : Worker.WHEN_SIGNALLED);
    device.at(40, worker::signal);
    device.run();
    assertThat(log).containsExactly("a at 40", "a at 40", "a at 40");
    worker.close();
  }

  @Test
  void othersRunWhileATaskWaitsButNotTheTaskItself() {
    Worker[] workers = new Worker[2];
    workers[0] =
        worker(
            "a",
            () -> {
              if (log.size() == 1) {
                assertThat(workers[0].isCurrent()).isTrue();
                device.delay(stream, 100);
                stream.synchronize();
                assertThat(workers[0].isCurrent()).isTrue();
                log.add("a goes on at " + now());
              }
              return Worker.WHEN_SIGNALLED;
            });
    workers[1] =
        worker(
            "b",
            () -> {
              assertThat(workers[0].isCurrent()).isFalse();
              assertThat(workers[1].isCurrent()).isTrue();
              workers[0].signal();
              return Worker.WHEN_SIGNALLED;
            });
    workers[0].signal();
    device.at(30, workers[1]::signal);
    device.at(60, () -> assertThat(workers[0].isCurrent()).isFalse());
    device.run();
    assertThat(log).containsExactly("a at 0", "b at 30", "a goes on at 100", "a at 100");
    workers[0].close();
    workers[1].close();
  }

  @Test
  void aSignalDuringARunCountsForMoreThanTheTimeItNames() {
    Worker[] self = new Worker[1];
    self[0] =
        worker(
            "a",
            () -> {
              if (log.size() == 1) {
                self[0].signal();
                return now() + 1000;
              }
              return Worker.WHEN_SIGNALLED;
            });
    self[0].signal();
    device.run();
    assertThat(log).containsExactly("a at 0", "a at 0");
    assertThat(now()).isZero();
    self[0].close();
  }

  @Test
  void closingRunsTheTaskOnceMoreIfThereIsASignalItHasNotSeen() {
    Worker[] self = new Worker[1];
    self[0] =
        worker(
            "a",
            () -> {
              load(stream, 100);
              stream.synchronize();
              self[0].signal();
              return 0;
            });
    self[0].signal();
    self[0].close();
    assertThat(log).containsExactly("a at 0");
    assertThat(now()).isEqualTo(105);
    self[0].signal();
    self[0].close();
    device.run();
    assertThat(log).as("nothing runs any more").hasSize(1);

    Worker idle = worker("b", () -> now() + 10);
    idle.signal();
    device.runUntil(now() + 5);
    idle.close();
    device.run();
    assertThat(log).hasSize(2);
  }

  @Test
  void cannotBeClosedByItsTaskNorWhileItsTaskWaits() {
    Worker[] self = new Worker[1];
    self[0] =
        worker(
            "a",
            () -> {
              assertThatThrownBy(self[0]::close).isInstanceOf(IllegalStateException.class);
              device.delay(stream, 100);
              stream.synchronize();
              return Worker.WHEN_SIGNALLED;
            });
    self[0].signal();
    device.at(
        50,
        () ->
            assertThatThrownBy(self[0]::close)
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("deadlock"));
    device.run();
    self[0].close();
  }

  @Test
  void endsWhenItsTaskThrows() {
    Worker worker =
        worker(
            "a",
            () -> {
              throw new UnsupportedOperationException("thrown");
            });
    worker.signal();
    assertThatThrownBy(device::run).isInstanceOf(UnsupportedOperationException.class);
    worker.signal();
    device.run();
    worker.close();
    assertThat(log).hasSize(1);
  }

  @Test
  void whatFailsWhileATaskWaitsIsNotBlamedOnTheTask() {
    Worker worker =
        worker(
            "a",
            () -> {
              try (Stream inner = device.newStream("inner")) {
                device.delay(inner, 100);
                inner.synchronize();
              }
              log.add("went on at " + now());
              return Worker.WHEN_SIGNALLED;
            });
    worker.signal();
    device.at(
        50,
        () -> {
          throw new AssertionError("as a failed assertion");
        });
    assertThatThrownBy(device::run).hasMessageContaining("as a failed assertion");
    assertThat(log).containsExactly("a at 0", "went on at 100");
    worker.close();
  }
}
