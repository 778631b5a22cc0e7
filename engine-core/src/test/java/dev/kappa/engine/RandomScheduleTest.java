package dev.kappa.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kappa.device.ScriptedDevice;
import dev.kappa.engine.EngineEquivalenceTest.Result;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Requests that come and are cancelled at any time, on pools, blocks and steps of any size, with
 * streams that dawdle, copies that are refused, loads that are given up, caches that are cleared
 * and contexts that exceed the device: each puts out the bits that it puts out alone, up to where
 * it was cancelled, and finds nothing cached that is not its own.
 *
 * <p>{@code -Dkappa.test.schedules} says how many schedules are run, {@code -Dkappa.test.seed}
 * which is the first.
 */
@Timeout(300)
class RandomScheduleTest {

  private static final int SCHEDULES = Integer.getInteger("kappa.test.schedules", 200);
  private static final long FIRST = Long.getLong("kappa.test.seed", 0);

  /** So many schedules are enough to expect of them that everything happened. */
  private static final int MANY = 100;

  private static AloneEngines aloneEngines;
  private static Events events;

  /** What happened in all schedules. */
  private static final class Events {
    long preemptions;
    long cachedTokens;
    long hostTokens;
    long failedLoads;
    long skippedStores;
    long discardedStores;
    int cancelled;
    int streamed;
    int streamedRestored;

    void add(EngineStats stats) {
      preemptions += stats.preemptions();
      cachedTokens += stats.cachedPromptTokens();
      hostTokens += stats.hostPromptTokens();
      failedLoads += stats.kv().loads().failed();
      skippedStores += stats.kv().storesSkipped().total();
      discardedStores += stats.kv().storesDiscarded();
    }

    @Override
    public String toString() {
      return """
      %d preemptions, %d cached tokens, %d of them from host memory, %d loads given up, %d \
      stores skipped, %d discarded, %d requests cancelled, %d streamed, %d of them from a \
      prefix\
      """
          .formatted(
              preemptions,
              cachedTokens,
              hostTokens,
              failedLoads,
              skippedStores,
              discardedStores,
              cancelled,
              streamed,
              streamedRestored);
    }
  }

  static LongStream seeds() {
    return LongStream.range(FIRST, FIRST + SCHEDULES);
  }

  @BeforeAll
  static void countFromZero() {
    aloneEngines = new AloneEngines();
    events = new Events();
  }

  /** Otherwise equal bits would say nothing. */
  @AfterAll
  static void theSchedulesWereEventful() {
    aloneEngines.close();
    System.getLogger(RandomScheduleTest.class.getName())
        .log(System.Logger.Level.INFO, "{0} schedules: {1}", SCHEDULES, events);
    if (SCHEDULES < MANY) {
      return;
    }
    assertThat(events.preemptions).as("preemptions").isGreaterThan(SCHEDULES / 8);
    assertThat(events.cachedTokens).as("cached tokens").isGreaterThan(10L * SCHEDULES);
    assertThat(events.hostTokens).as("tokens from host memory").isGreaterThan(10L * SCHEDULES);
    assertThat(events.failedLoads).as("loads given up").isGreaterThan(SCHEDULES / 50);
    assertThat(events.skippedStores).as("stores skipped").isGreaterThan(SCHEDULES / 8);
    assertThat(events.discardedStores).as("stores discarded").isGreaterThan(SCHEDULES / 20);
    assertThat(events.cancelled).as("cancelled requests").isGreaterThan(SCHEDULES / 8);
    assertThat(events.streamed).as("streamed contexts").isGreaterThan(SCHEDULES / 8);
    assertThat(events.streamedRestored).as("on a prefix").isGreaterThan(SCHEDULES / 50);
  }

  @ParameterizedTest
  @MethodSource("seeds")
  void everyRequestPutsOutWhatItDoesAlone(long seed) {
    RandomSchedule schedule = new RandomSchedule(seed, aloneEngines);
    ScriptedDevice device = schedule.device();
    try (TestEngine engine = new TestEngine(schedule.model, schedule.options, device)) {
      device.follow(schedule.faults());
      boolean[] cancelled = new boolean[schedule.jobs.size()];
      List<Collected> running = submit(schedule, engine, cancelled);
      for (int i = 0; i < running.size(); i++) {
        check(schedule, i, running.get(i), cancelled[i]);
      }
      engine.awaitIdle();
      events.add(engine.engine().stats());
    } catch (RuntimeException | AssertionError e) {
      throw new AssertionError(schedule.toString(), e);
    }
  }

  private static void check(RandomSchedule schedule, int job, Collected output, boolean cancelled) {
    String where = "%s, job %d".formatted(schedule, job);
    Result found = Result.of(output);
    Result expected = schedule.alone.get(job);
    Finish finish = output.finish();
    if (finish.reason() == Finish.Reason.ABORT) {
      assertThat(cancelled).as(where).isTrue();
      events.cancelled++;
      assertBeginning(found, expected, where);
    } else {
      assertThat(found).as(where).isEqualTo(expected);
      events.streamed += schedule.isLong(job) ? 1 : 0;
      events.streamedRestored += schedule.isLong(job) && finish.usage().hostTokens() > 0 ? 1 : 0;
    }
    assertThat(finish.usage().cachedTokens())
        .as(where)
        .isLessThanOrEqualTo(schedule.mostCached(job));
  }

  /** Submits all jobs at any time, cancels some at any other, and clears caches meanwhile. */
  private static List<Collected> submit(
      RandomSchedule schedule, TestEngine engine, boolean[] cancelled) {
    Random random = schedule.random;
    List<Collected> running = new ArrayList<>();
    int jobs = schedule.jobs.size();
    for (int i = 0; i < jobs; i++) {
      pause(random);
      if (schedule.awaited[i] >= 0) {
        running.get(schedule.awaited[i]).finish();
      }
      if (random.nextInt(8) == 0) {
        engine.engine().clearCache(random.nextInt(4) > 0, random.nextInt(4) == 0);
      }
      EngineEquivalenceTest.Job job = schedule.jobs.get(i);
      running.add(engine.submit(job.prompt(), job.sampling(), schedule.salts.get(i)));
      int victim = random.nextInt(3 * jobs);
      if (victim <= i) {
        pause(random);
        running.get(victim).cancel();
        cancelled[victim] = true;
      }
    }
    return running;
  }

  private static void assertBeginning(Result cut, Result whole, String where) {
    assertThat(whole.text()).as(where).startsWith(cut.text());
    assertThat(whole.tokens().subList(0, cut.tokens().size())).as(where).isEqualTo(cut.tokens());
    assertThat(whole.logprobs().subList(0, cut.logprobs().size()))
        .as(where)
        .isEqualTo(cut.logprobs());
  }

  /** Nothing, or some of the time that a few steps take. */
  private static void pause(Random random) {
    if (random.nextInt(3) == 0) {
      LockSupport.parkNanos(random.nextInt(5_000_000));
    }
  }
}
