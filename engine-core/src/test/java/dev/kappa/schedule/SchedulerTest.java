package dev.kappa.schedule;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import dev.kappa.device.DType;
import dev.kappa.device.Device;
import dev.kappa.device.Devices;
import dev.kappa.device.Stream;
import dev.kappa.kv.BlockKeys;
import dev.kappa.kv.BlockTable;
import dev.kappa.kv.KvCache;
import dev.kappa.kv.KvLayout;
import dev.kappa.kv.KvOptions;
import dev.kappa.kv.PrefixUse;
import dev.kappa.kv.Reservation;
import dev.kappa.kv.RestoreMode;
import dev.kappa.kv.RestoreSplit;
import dev.kappa.kv.SlidingWindows;
import dev.kappa.kv.StorePolicy;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class SchedulerTest {

  private static final int BLOCK_TOKENS = 4;
  private static final KvLayout LAYOUT = new KvLayout(1, 1, 16, BLOCK_TOKENS, DType.F32);

  private final Device device = Devices.open("cpu", 1).device();
  private final Stream stream = device.newStream("test");
  private final List<KvCache> caches = new ArrayList<>();

  @AfterEach
  void nothingLeaks() {
    stream.close();
    for (KvCache cache : caches) {
      cache.pool().checkIntegrity();
      assertThat(cache.pool().free()).isEqualTo(cache.pool().total());
      cache.close();
    }
    assertThat(device.allocatedBytes()).isZero();
    device.close();
  }

  private KvCache cache(int blocks) {
    return cache(blocks, SlidingWindows.none(LAYOUT));
  }

  private KvCache cache(int blocks, SlidingWindows windows) {
    BlockKeys keys = new BlockKeys(LAYOUT, "model", "numerics");
    KvCache cache =
        new KvCache(device, LAYOUT, blocks, keys, stream, KvOptions.deviceOnly(true), windows);
    caches.add(cache);
    return cache;
  }

  private KvCache offloadingCache() {
    KvOptions options =
        new KvOptions(
            true, 1 << 20, StorePolicy.WRITE_THROUGH, RestoreMode.LOAD, 0, 1L << 40, false);
    BlockKeys keys = new BlockKeys(LAYOUT, "model", "numerics");
    KvCache cache =
        new KvCache(device, LAYOUT, 64, keys, stream, options, SlidingWindows.none(LAYOUT));
    caches.add(cache);
    return cache;
  }

  private static Sequence sequence(KvCache cache, int firstToken, int prompt, int output) {
    int[] tokens = IntStream.range(firstToken, firstToken + prompt).toArray();
    return new Sequence(tokens, prompt + output, false, new BlockTable(""));
  }

  /** Pretends that a step was computed: every chunk that reaches its end gets a token. */
  private static void complete(Scheduler scheduler, StepPlan plan) {
    scheduler.publish(plan);
    for (StepPlan.Chunk chunk : plan.chunks()) {
      Sequence sequence = chunk.sequence();
      if (sequence.computed() == sequence.length()) {
        sequence.append(7);
      }
      if (sequence.length() == sequence.maxLength()) {
        scheduler.remove(sequence);
      }
    }
  }

  @Test
  void cutsLongPromptsIntoChunks() {
    KvCache cache = cache(8);
    Scheduler scheduler =
        new Scheduler(cache, new StepCost(2, 1, 4, 1), SchedulePolicy.FCFS, RestoreMode.LOAD, 4, 8);
    Sequence sequence = sequence(cache, 0, 20, 1);
    scheduler.add(sequence);
    List<Integer> chunks = new ArrayList<>();
    for (StepPlan plan = scheduler.plan(0); !plan.isEmpty(); plan = scheduler.plan(0)) {
      chunks.add(plan.rows());
      complete(scheduler, plan);
    }
    assertThat(chunks).containsExactly(8, 8, 4);
  }

  @Test
  void decodesGoOnWhileAPromptIsPrefilled() {
    KvCache cache = cache(16);
    Scheduler scheduler =
        new Scheduler(cache, new StepCost(2, 1, 4, 1), SchedulePolicy.FCFS, RestoreMode.LOAD, 4, 8);
    Sequence decoding = sequence(cache, 0, 3, 9);
    scheduler.add(decoding);
    complete(scheduler, scheduler.plan(0));
    Sequence prompt = sequence(cache, 1000, 20, 2);
    scheduler.add(prompt);
    for (int step = 0; step < 3; step++) {
      StepPlan plan = scheduler.plan(0);
      assertThat(plan.chunks().get(0).sequence()).isSameAs(decoding);
      assertThat(plan.chunks().get(0).count()).isEqualTo(1);
      assertThat(plan.rows()).isLessThanOrEqualTo(8);
      complete(scheduler, plan);
    }
    assertThat(prompt.computed()).isEqualTo(20);
    scheduler.remove(decoding);
    scheduler.remove(prompt);
  }

  @Test
  void preemptsTheYoungestAndResumesItsTokens() {
    KvCache cache = cache(6);
    Scheduler scheduler =
        new Scheduler(
            cache, new StepCost(2, 1, 4, 1), SchedulePolicy.FCFS, RestoreMode.LOAD, 4, 64);
    Sequence older = sequence(cache, 0, 7, 15);
    Sequence younger = sequence(cache, 1000, 7, 15);
    scheduler.add(older);
    scheduler.add(younger);
    int steps = 0;
    while (younger.length() < younger.maxLength()) {
      complete(scheduler, scheduler.plan(0));
      assertThat(++steps).isLessThan(100);
    }
    assertThat(older.preemptions()).isZero();
    assertThat(younger.preemptions()).isPositive();
    assertThat(scheduler.preemptions()).isEqualTo(younger.preemptions());
  }

  /** A window of 8 tokens: of 40, no more than 3 blocks are held between steps. */
  @Test
  void takesBlocksAsTheWindowSlides() {
    KvCache cache = cache(6, new SlidingWindows(LAYOUT, BLOCK_TOKENS, 8, Set.of(0)));
    Scheduler scheduler =
        new Scheduler(cache, new StepCost(2, 1, 4, 1), SchedulePolicy.FCFS, RestoreMode.LOAD, 4, 8);
    Sequence sequence = sequence(cache, 0, 40, 10);
    scheduler.add(sequence);
    while (sequence.length() < sequence.maxLength()) {
      complete(scheduler, scheduler.plan(0));
      assertThat(cache.pool().total() - cache.pool().free()).isLessThanOrEqualTo(3);
    }
    assertThat(sequence.preemptions()).isZero();
  }

  /** Two that have no room for their next tokens, since someone else has taken all there was. */
  @Test
  void theYoungestGivesWayWhereNobodyCanGoOn() {
    KvCache cache = cache(8, new SlidingWindows(LAYOUT, BLOCK_TOKENS, 8, Set.of(0)));
    Scheduler scheduler =
        new Scheduler(cache, new StepCost(2, 1, 4, 1), SchedulePolicy.FCFS, RestoreMode.LOAD, 4, 4);
    Sequence older = sequence(cache, 0, 8, 2);
    Sequence younger = sequence(cache, 1000, 8, 2);
    Draft draft = new Draft(new StepCost(2, 1, 4, 1), BLOCK_TOKENS, 0, 4);
    for (Sequence sequence : List.of(older, younger)) {
      scheduler.add(sequence);
      assertThat(scheduler.start(draft, sequence, 0)).isTrue();
    }
    BlockTable other = new BlockTable("");
    cache.reserve(other, new int[24], 24, 24, PrefixUse.NONE, RestoreSplit.LOAD_ALL);
    assertThat(cache.pool().free()).isZero();
    for (int step = 0; step < 3; step++) {
      complete(scheduler, scheduler.plan(0));
    }
    assertThat(older.preemptions()).isZero();
    assertThat(younger.preemptions()).isEqualTo(1);
    assertThat(older.computed()).isEqualTo(8);
    cache.release(other);
    int steps = 0;
    while (younger.length() < younger.maxLength()) {
      complete(scheduler, scheduler.plan(0));
      assertThat(++steps).isLessThan(20);
    }
  }

  @Test
  void removedSequencesGiveTheirBlocksBackWhereverTheyStand() {
    KvCache cache = cache(4);
    Scheduler scheduler =
        new Scheduler(
            cache, new StepCost(2, 1, 4, 1), SchedulePolicy.FCFS, RestoreMode.LOAD, 4, 64);
    Sequence running = sequence(cache, 0, 12, 4);
    Sequence waiting = sequence(cache, 1000, 12, 4);
    scheduler.add(running);
    scheduler.add(waiting);
    scheduler.plan(0);
    assertThat(scheduler.running()).isEqualTo(1);
    assertThat(scheduler.waiting()).isEqualTo(1);
    scheduler.remove(waiting);
    scheduler.remove(running);
    assertThat(scheduler.plan(0).isEmpty()).isTrue();
  }

  /** What lies in host memory is loaded before its turn, but computed in its turn. */
  @Test
  void thoseThatLoadBeforeTheirTurnDoNotOvertakeThoseThatWait() {
    KvCache cache = offloadingCache();
    Scheduler scheduler =
        new Scheduler(cache, new StepCost(2, 1, 4, 1), SchedulePolicy.FCFS, RestoreMode.LOAD, 8, 8);
    List<Sequence> restored = new ArrayList<>();
    for (int i = 1; i <= 3; i++) {
      Sequence stored = sequence(cache, 1000 * i, 8, 1);
      scheduler.add(stored);
      complete(scheduler, scheduler.plan(0));
      cache.flushStores();
      awaitCopies(cache);
      restored.add(sequence(cache, 1000 * i, 32, 1));
    }
    cache.clearDevice();
    Sequence busy = sequence(cache, 0, 40, 1);
    Sequence waiting = sequence(cache, 5000, 16, 1);
    scheduler.add(busy);
    scheduler.add(waiting);
    restored.forEach(scheduler::add);
    complete(scheduler, scheduler.plan(0));
    assertThat(restored).allSatisfy(sequence -> assertThat(sequence.computed()).isEqualTo(8));
    for (int step = 0; waiting.computed() < 16; step++) {
      assertThat(step).isLessThan(10);
      awaitCopies(cache);
      complete(scheduler, scheduler.plan(0));
      if (waiting.computed() < 16) {
        assertThat(restored).allSatisfy(sequence -> assertThat(sequence.computed()).isEqualTo(8));
      }
    }
    restored.forEach(scheduler::remove);
    scheduler.remove(busy);
    awaitCopies(cache);
  }

  /** Where a single token is left behind what was loaded, that token is what is computed next. */
  @ParameterizedTest
  @ValueSource(ints = {16, 17, 18})
  void goesOnBehindALoadThatCameBeforeTheHeadWasComputed(int length) {
    KvCache cache = offloadingCache();
    Scheduler scheduler =
        new Scheduler(cache, new StepCost(2, 1, 4, 1), SchedulePolicy.FCFS, RestoreMode.LOAD, 4, 8);
    Sequence stored = sequence(cache, 0, 16, 1);
    scheduler.add(stored);
    while (stored.length() < stored.maxLength()) {
      complete(scheduler, scheduler.plan(0));
    }
    cache.flushStores();
    awaitCopies(cache);
    cache.clearDevice();
    Sequence sequence = sequence(cache, 0, length, 1);
    Reservation reservation =
        cache.reserve(
            sequence.blocks(),
            sequence.tokens(),
            length,
            length,
            PrefixUse.ALL,
            (start, end, resume) -> 8);
    sequence.admitted(requireNonNull(reservation));
    scheduler.place(sequence);
    awaitCopies(cache);
    Set<Integer> computed = new TreeSet<>();
    while (sequence.length() < sequence.maxLength()) {
      StepPlan plan = scheduler.plan(0);
      assertThat(plan.chunks()).hasSize(1);
      StepPlan.Chunk chunk = plan.chunks().getFirst();
      IntStream.range(chunk.start(), chunk.start() + chunk.count()).forEach(computed::add);
      complete(scheduler, plan);
    }
    Set<Integer> expected = new TreeSet<>();
    IntStream.range(0, 8).forEach(expected::add);
    IntStream.range(Math.min(16, length - 1), length).forEach(expected::add);
    assertThat(computed).isEqualTo(expected);
  }

  private static void awaitCopies(KvCache cache) {
    while (!cache.isIdle()) {
      cache.settle();
      Thread.onSpinWait();
    }
  }

  /**
   * One that needs all blocks could be passed by small ones for ever; it is passed so often and no
   * more.
   */
  @Test
  void nobodyIsPassedMoreThanSoOften() {
    KvCache cache = cache(8);
    Scheduler scheduler =
        new Scheduler(
            cache, new StepCost(2, 1, 4, 1), SchedulePolicy.KAPPA, RestoreMode.LOAD, 4, 64);
    List<Sequence> small = new ArrayList<>();
    Sequence first = sequence(cache, 1000, 8, 2);
    small.add(first);
    scheduler.add(first);
    complete(scheduler, scheduler.plan(0));
    Sequence large = sequence(cache, 0, 30, 1);
    scheduler.add(large);
    int step = 0;
    while (large.computed() == 0) {
      assertThat(++step).as("steps until it started").isLessThan(1000);
      Sequence next = sequence(cache, 2000 + 100 * step, 8, 2);
      small.add(next);
      scheduler.add(next);
      complete(scheduler, scheduler.plan(0));
    }
    long before = small.stream().filter(sequence -> sequence.computed() > 0).count();
    assertThat(before).isBetween(10L, KappaAdmission.MAX_PASSED + 1L);
    small.forEach(scheduler::remove);
    scheduler.remove(large);
  }

  /**
   * What is cached of one that waits counts as free, so that there seems to be room for the rest of
   * it: that it cannot start after all is no reason for small ones to pass it for ever.
   */
  @Test
  void nobodyIsPassedForEverForTheSakeOfItsOwnPrefix() {
    KvCache cache = cache(24);
    Scheduler scheduler =
        new Scheduler(
            cache, new StepCost(2, 1, 4, 1), SchedulePolicy.KAPPA, RestoreMode.LOAD, 4, 64);
    Sequence prefix = sequence(cache, 0, 32, 1);
    scheduler.add(prefix);
    complete(scheduler, scheduler.plan(0));
    List<Sequence> small = new ArrayList<>();
    Sequence large = sequence(cache, 0, 86, 1);
    for (int step = 0; large.computed() == 0; step++) {
      assertThat(step).as("steps until it started").isLessThan(1000);
      Sequence next = sequence(cache, 2000 + 100 * step, 8, 3);
      small.add(next);
      scheduler.add(next);
      if (step == 0) {
        complete(scheduler, scheduler.plan(0));
        scheduler.add(large);
      }
      complete(scheduler, scheduler.plan(0));
    }
    assertThat(large.cachedPrompt()).isEqualTo(32);
    small.forEach(scheduler::remove);
    scheduler.remove(large);
  }

  static IntStream seeds() {
    return IntStream.range(0, 300);
  }

  /** Any mix of lengths that each fit the pool alone comes to an end, within the step's limits. */
  @ParameterizedTest
  @MethodSource("seeds")
  void everyRequestFinishesUnderRandomLoad(int seed) {
    Random random = new Random(seed);
    int blocks = 2 + random.nextInt(12);
    int capacity = blocks * BLOCK_TOKENS;
    int maxSequences = 1 + random.nextInt(5);
    int budget = maxSequences + random.nextInt(12);
    KvCache cache = cache(blocks);
    SchedulePolicy policy = SchedulePolicy.values()[seed % 2];
    Scheduler scheduler =
        new Scheduler(
            cache, new StepCost(2, 1, 4, 1), policy, RestoreMode.LOAD, maxSequences, budget);
    Set<Sequence> open = new HashSet<>();
    int toSubmit = 30;
    for (int step = 0; toSubmit > 0 || !open.isEmpty(); step++) {
      assertThat(step).as("seed %d: no end in sight", seed).isLessThan(20_000);
      while (toSubmit > 0 && random.nextInt(4) == 0) {
        int prompt = 1 + random.nextInt(capacity - 1);
        int output = 1 + random.nextInt(capacity - prompt);
        // Few different first tokens, so that prefixes are often shared.
        Sequence sequence = sequence(cache, random.nextInt(3) * 1000, prompt, output);
        open.add(sequence);
        scheduler.add(sequence);
        toSubmit--;
      }
      StepPlan plan = scheduler.plan(0);
      assertThat(plan.rows()).isLessThanOrEqualTo(budget);
      assertThat(plan.chunks()).hasSizeLessThanOrEqualTo(maxSequences);
      if (!open.isEmpty()) {
        assertThat(plan.isEmpty()).as("seed %d: nothing can go on", seed).isFalse();
      }
      for (StepPlan.Chunk chunk : plan.chunks()) {
        int end = chunk.start() + chunk.count();
        assertThat(chunk.sequence().blocks().size() * BLOCK_TOKENS).isGreaterThanOrEqualTo(end);
      }
      complete(scheduler, plan);
      open.removeIf(sequence -> sequence.length() == sequence.maxLength());
      if (!open.isEmpty() && random.nextInt(10) == 0) {
        Sequence victim = open.iterator().next();
        scheduler.remove(victim);
        open.remove(victim);
      }
      cache.pool().checkIntegrity();
    }
  }
}
