package dev.kappa.cuda.sim;

import static jcuda.driver.JCudaDriver.cuCtxGetCurrent;
import static jcuda.driver.JCudaDriver.cuCtxSetCurrent;
import static jcuda.driver.JCudaDriver.cuLaunchHostFunc;
import static jcuda.driver.JCudaDriver.cuMemcpyHtoDAsync;
import static jcuda.driver.JCudaDriver.cuMemsetD8Async;
import static jcuda.driver.JCudaDriver.cuStreamQuery;
import static jcuda.driver.JCudaDriver.cuStreamSynchronize;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.ToLongFunction;
import jcuda.driver.CUcontext;
import jcuda.driver.CUdeviceptr;
import jcuda.driver.CUhostFn;
import jcuda.driver.CUstream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** When the driver holds up whoever submits work, or calls the host. */
@Timeout(300)
class QueueRulesTest {

  private static final int MOST_PENDING = 1024;

  /** Long enough to see what must not happen happen, mostly. */
  private static final long MOMENT_MILLIS = 50;

  /** Long enough for any machine; only failing tests wait for it. */
  private static final long PATIENCE_SECONDS = 120;

  private final Simulation simulation = new Simulation();

  @BeforeEach
  void open() {
    simulation.open();
  }

  @AfterEach
  void close() {
    simulation.close();
  }

  /** Makes a call of the driver on another thread; done when it has returned. */
  private static CompletableFuture<Void> elsewhere(Runnable call) {
    CUcontext context = new CUcontext();
    cuCtxGetCurrent(context);
    return CompletableFuture.runAsync(
        () -> {
          cuCtxSetCurrent(context);
          call.run();
        },
        task -> Thread.ofPlatform().daemon().start(task));
  }

  /**
   * Checks that a call returns after the release, not before.
   *
   * @param begun counts such calls as they come to where they wait
   */
  private void assertHeldUpUntilRelease(
      CompletableFuture<Void> call, ToLongFunction<SimulationControl.Counters> begun)
      throws Exception {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
    while (begun.applyAsLong(simulation.counters()) == 0) {
      assertThat(call).isNotDone();
      assertThat(System.nanoTime()).as("the call begins").isLessThan(deadline);
      Thread.sleep(1);
    }
    Thread.sleep(MOMENT_MILLIS);
    assertThat(call).isNotDone();
    simulation.release();
    call.get(PATIENCE_SECONDS, TimeUnit.SECONDS);
    assertThat(begun.applyAsLong(simulation.counters())).isOne();
  }

  @Test
  void aFullQueueHoldsUpWhoeverSubmits() throws Exception {
    CUdeviceptr memory = simulation.allocate(64);
    CUstream stream = simulation.heldStream();
    CUstream other = simulation.stream();
    for (int pending = 1; pending < MOST_PENDING; pending++) {
      cuMemsetD8Async(memory, (byte) 1, 64, stream);
    }
    assertThat(simulation.counters().queueWaits()).isZero();
    CompletableFuture<Void> onceMore =
        elsewhere(() -> cuMemsetD8Async(memory, (byte) 1, 64, stream));
    cuMemsetD8Async(memory, (byte) 2, 64, other);
    cuStreamSynchronize(other);
    assertHeldUpUntilRelease(onceMore, SimulationControl.Counters::queueWaits);
    cuStreamSynchronize(stream);
  }

  @Test
  void hostFunctionsOfAllStreamsTakeTurns() throws Exception {
    CUstream first = simulation.stream();
    CUstream second = simulation.stream();
    CountDownLatch entered = new CountDownLatch(1);
    CountDownLatch mayReturn = new CountDownLatch(1);
    List<String> calls = Collections.synchronizedList(new ArrayList<>());
    CUhostFn slow =
        name -> {
          entered.countDown();
          await(mayReturn);
          calls.add((String) name);
        };
    CUhostFn quick = name -> calls.add((String) name);
    cuLaunchHostFunc(first, slow, "first");
    await(entered);
    cuLaunchHostFunc(second, quick, "second");
    Thread.sleep(MOMENT_MILLIS);
    assertThat(calls).isEmpty();
    mayReturn.countDown();
    cuStreamSynchronize(first);
    cuStreamSynchronize(second);
    assertThat(calls).containsExactly("first", "second");
  }

  private static void await(CountDownLatch latch) {
    try {
      assertThat(latch.await(PATIENCE_SECONDS, TimeUnit.SECONDS)).isTrue();
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void aCopyFromPageableMemoryWaitsForTheStreamsEarlierWork() throws Exception {
    CUdeviceptr device = simulation.allocate(400);
    CUstream stream = simulation.heldStream();
    try (PinnedMemory host = new PinnedMemory(400)) {
      assertHeldUpUntilRelease(
          elsewhere(() -> cuMemcpyHtoDAsync(device, host.at(0), 400, stream)),
          SimulationControl.Counters::pageableCopies);
    }
    cuStreamSynchronize(stream);
    assertThat(cuStreamQuery(stream)).isZero();
  }
}
