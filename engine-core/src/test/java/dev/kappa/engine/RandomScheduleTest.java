package dev.kappa.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kappa.device.DType;
import dev.kappa.device.Devices;
import dev.kappa.engine.EngineEquivalenceTest.Job;
import dev.kappa.engine.EngineEquivalenceTest.Result;
import dev.kappa.kv.RestoreMode;
import dev.kappa.kv.StorePolicy;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Requests that come and are cancelled at any time, on pools, blocks and steps of any size: each
 * puts out the bits that it puts out alone, up to where it was cancelled.
 */
@Timeout(60)
class RandomScheduleTest {

  private static final int SCHEDULES = 200;
  private static final int JOBS = 8;
  private static final int FOLLOW_UPS = 4;

  /** The longest that a job of {@link EngineEquivalenceTest#jobs} can become. */
  private static final int LONGEST_FIRST = 60 + 65;

  private static final int FOLLOW_UP_TOKENS = 10;
  private static final int LONGEST = LONGEST_FIRST + FOLLOW_UP_TOKENS;

  private static final List<Path> MODELS =
      List.of(TestEngine.tinyModel("qwen3-tiny"), TestEngine.tinyModel("llama-tiny"));

  private static long preemptions;
  private static long cachedTokens;
  private static long hostTokens;
  private static int cutShort;

  static LongStream seeds() {
    return LongStream.range(0, SCHEDULES);
  }

  @BeforeAll
  static void countFromZero() {
    preemptions = 0;
    cachedTokens = 0;
    hostTokens = 0;
    cutShort = 0;
  }

  /** Otherwise equal bits would say nothing. */
  @AfterAll
  static void theSchedulesWereEventful() {
    assertThat(preemptions).as("preemptions").isGreaterThan(SCHEDULES / 8);
    assertThat(cachedTokens).as("cached tokens").isGreaterThan(10 * SCHEDULES);
    assertThat(hostTokens).as("tokens from host memory").isGreaterThan(10 * SCHEDULES);
    assertThat(cutShort).as("cancelled requests").isGreaterThan(SCHEDULES / 8);
  }

  /** Some with the very prompt of an earlier one, so that all of it may be cached. */
  private static List<Job> jobs(Random random) {
    List<Job> jobs = EngineEquivalenceTest.jobs(random, JOBS);
    for (int i = 1; i < JOBS; i++) {
      if (random.nextInt(4) == 0) {
        jobs.set(i, new Job(jobs.get(random.nextInt(i)).prompt(), jobs.get(i).sampling()));
      }
    }
    return jobs;
  }

  /** The conversation goes on: a prompt is an earlier one with its output and maybe more. */
  private static Job followUp(Random random, Job earlier, Result output) {
    int[] said = output.tokens().stream().mapToInt(Integer::intValue).toArray();
    int[] more = TestEngine.randomPrompt(random, random.nextInt(3), 256);
    int[] prompt = concat(concat(earlier.prompt(), said), more);
    return new Job(prompt, TestEngine.greedy(1 + random.nextInt(FOLLOW_UP_TOKENS - 2)));
  }

  private static int[] concat(int[] first, int[] second) {
    return IntStream.concat(IntStream.of(first), IntStream.of(second)).toArray();
  }

  private static EngineOptions options(Random random, DType kvType) {
    int blockTokens = 1 + random.nextInt(32);
    int poolTokens = LONGEST + random.nextInt(LONGEST / 2);
    int sequences = 1 + random.nextInt(8);
    return EngineOptions.builder()
        .blockTokens(blockTokens)
        .numBlocks(Math.ceilDiv(poolTokens, blockTokens))
        .maxSequences(sequences)
        .maxBatchedTokens(sequences + random.nextInt(random.nextBoolean() ? 8 : 128))
        .prefixCaching(random.nextInt(8) > 0)
        .kvDType(kvType)
        .hostBytes(random.nextInt(5) == 0 ? 0 : (1 + random.nextInt(40)) * 16_384L)
        .storePolicy(any(random, StorePolicy.values()))
        .restore(any(random, RestoreMode.values()))
        .layerGroups(random.nextInt(4))
        .checkKv(random.nextInt(4) > 0)
        .build();
  }

  private static <T> T any(Random random, T[] values) {
    return values[random.nextInt(values.length)];
  }

  @ParameterizedTest
  @MethodSource("seeds")
  void everyRequestPutsOutWhatItDoesAlone(long seed) {
    Random random = new Random(seed);
    Path model = MODELS.get(random.nextInt(MODELS.size()));
    DType kvType = random.nextBoolean() ? DType.F32 : DType.BF16;
    List<Job> jobs = jobs(random);
    List<Result> alone =
        new ArrayList<>(
            EngineEquivalenceTest.alone(Devices.open("cpu", 1).device(), model, kvType, jobs));
    int[] awaited = new int[JOBS + FOLLOW_UPS];
    Arrays.fill(awaited, -1);
    for (int i = JOBS; i < JOBS + FOLLOW_UPS; i++) {
      int earlier = random.nextInt(JOBS);
      jobs.add(followUp(random, jobs.get(earlier), alone.get(earlier)));
      awaited[i] = random.nextBoolean() ? earlier : -1;
    }
    alone.addAll(
        EngineEquivalenceTest.alone(
            Devices.open("cpu", 1).device(), model, kvType, jobs.subList(JOBS, jobs.size())));
    EngineOptions options = options(random, kvType);
    String schedule = "seed %d, %s, %s".formatted(seed, model.getFileName(), options);
    try (TestEngine engine = new TestEngine(model, options, 1 + random.nextInt(2))) {
      boolean[] cancelled = new boolean[jobs.size()];
      List<Collected> running = submit(random, engine, jobs, awaited, cancelled);
      for (int i = 0; i < jobs.size(); i++) {
        String where = "%s, job %d".formatted(schedule, i);
        Result found = Result.of(running.get(i));
        if (running.get(i).finish().reason() == Finish.Reason.ABORT) {
          assertThat(cancelled[i]).as(where).isTrue();
          cutShort++;
          assertBeginning(found, alone.get(i), where);
        } else {
          assertThat(found).as(where).isEqualTo(alone.get(i));
        }
      }
      engine.awaitIdle();
      preemptions += engine.engine().stats().preemptions();
      cachedTokens += engine.engine().stats().cachedPromptTokens();
      hostTokens += engine.engine().stats().hostPromptTokens();
    }
  }

  /** Submits all jobs at any time and cancels some at any other. */
  private static List<Collected> submit(
      Random random, TestEngine engine, List<Job> jobs, int[] awaited, boolean[] cancelled) {
    List<Collected> running = new ArrayList<>();
    for (int i = 0; i < jobs.size(); i++) {
      pause(random);
      if (awaited[i] >= 0) {
        running.get(awaited[i]).finish();
      }
      running.add(engine.submit(jobs.get(i).prompt(), jobs.get(i).sampling()));
      int victim = random.nextInt(3 * jobs.size());
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
