package dev.kappa.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.assertj.core.api.Assertions.withinPercentage;

import dev.kappa.kv.RestoreMode;
import dev.kappa.roofline.HardwareProfile;
import dev.kappa.roofline.Roofline;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a request's account says of its way to the first token, in virtual time. */
@Timeout(300)
class AccountTest {

  private static final int CONTEXT = 8192;

  @TempDir Path folder;

  private VirtualEngine engine(double link, EngineOptions.Builder options) {
    HardwareProfile hardware = VirtualEngine.machine(5e14, link);
    VirtualEngine engine = new VirtualEngine(folder, hardware, options.restore(RestoreMode.LOAD));
    // As after a while: it has seen decodes and prefills of several lengths.
    for (int length : new int[] {2048, 100, 1500, 600, 2048, 300, 1000}) {
      engine.complete(VirtualEngine.prompt(1000 + length, length), 8);
    }
    return engine;
  }

  /** A request with κ · κ_crit cached tokens per computed one. */
  private static Finish restored(VirtualEngine engine, double kappas) {
    double kappa = kappas * engine.roofline().kappaCritical(CONTEXT);
    int cached = (int) (CONTEXT * kappa / (1 + kappa)) / 16 * 16;
    int[] prefix = VirtualEngine.prompt(1, cached);
    engine.keepOnHost(prefix);
    int[] prompt = VirtualEngine.extend(prefix, 2, CONTEXT - cached);
    Finish finish = engine.complete(prompt, 3).finish();
    assertThat(finish.usage().hostTokens()).isEqualTo(cached);
    return finish;
  }

  /** The parts make up the whole. */
  private static void addsUp(Finish finish) {
    Finish.Account account = finish.account();
    long union = account.loadNanos() + account.computeNanos() - account.overlapNanos();
    assertThat(account.queueNanos() + union).isEqualTo(finish.timings().firstToken());
    assertThat(account.overlapNanos())
        .isBetween(0L, Math.min(account.loadNanos(), account.computeNanos()));
  }

  @Test
  void aPromptThatIsComputedIsBoundByThat() {
    try (VirtualEngine engine = engine(57e9, VirtualEngine.options())) {
      Finish finish = engine.complete(VirtualEngine.prompt(1, 4000), 3).finish();
      Finish.Account account = finish.account();
      addsUp(finish);
      assertThat(account.bound()).isEqualTo(Finish.Bound.COMPUTE);
      assertThat(account.computeNanos()).isEqualTo(finish.timings().firstToken());
      assertThat(account.predictedComputeNanos())
          .isCloseTo(account.computeNanos(), withinPercentage(5));
      assertThat(account.loadNanos()).isZero();
      assertThat(account.predictedLoadNanos()).isZero();
      assertThat(account.queueNanos()).isZero();
      assertThat(finish.usage().computedTokens()).isEqualTo(4000);
    }
  }

  @ParameterizedTest
  @ValueSource(doubles = {0.1, 0.4, 2.5, 10})
  void aPrefixThatIsLoadedBindsAboveTheCriticalKappa(double kappas) {
    int chunk = CONTEXT;
    try (VirtualEngine engine = engine(57e9, VirtualEngine.options().maxBatchedTokens(chunk))) {
      Finish finish = restored(engine, kappas);
      Finish.Account account = finish.account();
      addsUp(finish);
      assertThat(account.bound()).isEqualTo(kappas > 1 ? Finish.Bound.LINK : Finish.Bound.COMPUTE);
      assertThat(finish.usage().kappa() > account.kappaCritical()).isEqualTo(kappas > 1);
      assertThat(account.predictedLoadNanos()).isCloseTo(account.loadNanos(), withinPercentage(5));
      assertThat((double) account.loadNanos())
          .isCloseTo(engine.roofline().loadNanos(finish.usage().hostTokens()), withinPercentage(5));
      assertThat(account.predictedComputeNanos())
          .isCloseTo(account.computeNanos(), withinPercentage(5));
      long shorter = Math.min(account.loadNanos(), account.computeNanos());
      assertThat((double) account.overlapNanos()).as("hidden").isGreaterThan(0.75 * shorter);
      assertThat(finish.restored().copyNanos()).isLessThanOrEqualTo(account.loadNanos());
    }
  }

  /** P counts both embeddings, which no prompt token is multiplied with. */
  @Test
  void theCriticalKappaIsTheRooflinesByMeasuredRates() {
    try (VirtualEngine engine = engine(57e9, VirtualEngine.options())) {
      Roofline roofline = engine.roofline();
      for (int length : new int[] {1000, 8000, 30_000}) {
        Finish finish = engine.complete(VirtualEngine.prompt(length, length), 1).finish();
        double expected = roofline.kappaCritical(length);
        assertThat(finish.account().kappaCritical() / expected).isBetween(0.8, 1.05);
      }
    }
  }

  @Test
  void withoutHostMemoryThereIsNoCriticalKappa() {
    try (VirtualEngine engine = engine(57e9, VirtualEngine.options().hostBytes(0))) {
      Finish finish = engine.complete(VirtualEngine.prompt(1, 1000), 1).finish();
      assertThat(finish.account().kappaCritical()).isNaN();
      assertThat(engine.engine().stats().rates().knowsSteps()).isTrue();
      assertThat(engine.engine().stats().rates().knowsLink()).isFalse();
    }
  }

  @Test
  void aLoadThatWaitsForAnothersIsPredictedToWait() {
    try (VirtualEngine engine = engine(5e9, VirtualEngine.options())) {
      int[] first = VirtualEngine.prompt(1, 8000);
      int[] second = VirtualEngine.prompt(2, 8000);
      engine.complete(first, 1);
      engine.keepOnHost(second);
      long now = engine.now();
      engine.submit(now, VirtualEngine.extend(first, 3, 64), 1);
      VirtualEngine.Request behind =
          engine.submit(now + 1_000_000, VirtualEngine.extend(second, 4, 64), 1);
      engine.run();
      Finish.Account account = behind.finish().account();
      addsUp(behind.finish());
      assertThat(account.bound()).isEqualTo(Finish.Bound.LINK);
      assertThat((double) account.loadNanos())
          .as("its own load and the one before it")
          .isCloseTo(2 * engine.roofline().loadNanos(8000), withinPercentage(5));
      assertThat(account.predictedLoadNanos()).isCloseTo(account.loadNanos(), withinPercentage(10));
    }
  }

  /** The beginning of the prefix is computed while its end comes over a slow link. */
  @Test
  void aPrefixThatIsCutIsLoadedAndComputedAtTheSameTime() {
    HardwareProfile hardware = VirtualEngine.machine(5e14, 5e9);
    EngineOptions.Builder options = VirtualEngine.options().restore(RestoreMode.AUTO);
    try (VirtualEngine engine = new VirtualEngine(folder, hardware, options)) {
      for (int length : new int[] {2048, 100, 1500, 600, 2048, 300, 1000}) {
        engine.complete(VirtualEngine.prompt(1000 + length, length), 8);
      }
      int[] prefix = VirtualEngine.prompt(1, 8000);
      engine.keepOnHost(prefix);
      Finish finish = engine.complete(VirtualEngine.extend(prefix, 2, 100), 1).finish();
      Finish.Account account = finish.account();
      addsUp(finish);
      assertThat(finish.usage().hostTokens()).isBetween(1000, 7500);
      assertThat(finish.usage().computedTokens()).isEqualTo(8100 - finish.usage().hostTokens());
      assertThat(account.predictedComputeNanos())
          .isCloseTo(account.computeNanos(), withinPercentage(10));
      assertThat(account.predictedLoadNanos()).isCloseTo(account.loadNanos(), withinPercentage(10));
      long shorter = Math.min(account.loadNanos(), account.computeNanos());
      assertThat((double) account.overlapNanos()).as("hidden").isGreaterThan(0.8 * shorter);
    }
  }

  @Test
  void aRequestBehindOthersIsBoundByTheQueue() {
    EngineOptions.Builder options = VirtualEngine.options().numBlocks(600).maxModelLength(9600);
    try (VirtualEngine engine = engine(57e9, options)) {
      long now = engine.now();
      engine.submit(now, VirtualEngine.prompt(1, 9000), 200);
      VirtualEngine.Request behind = engine.submit(now, VirtualEngine.prompt(2, 1000), 1);
      engine.run();
      addsUp(behind.finish());
      Finish.Account account = behind.finish().account();
      assertThat(account.bound()).isEqualTo(Finish.Bound.QUEUE);
      assertThat((double) account.queueNanos())
          .isCloseTo(behind.finish().timings().firstToken() - account.computeNanos(), within(1.0));
    }
  }

  /** The device holds 16,384 tokens; the rest is read in every layer, by a slow and a fast link. */
  @Test
  void aContextBeyondTheDeviceIsBoundByWhatTakesLonger() {
    for (double link : new double[] {2e9, 400e9}) {
      EngineOptions.Builder options =
          VirtualEngine.options().numBlocks(1024).maxModelLength(40_000);
      try (VirtualEngine engine = engine(link, options)) {
        Finish finish = engine.complete(VirtualEngine.prompt(1, 30_000), 2).finish();
        Finish.Account account = finish.account();
        addsUp(finish);
        // Each copy takes 5 µs on top of its bytes, as long as 2 MB over the faster link.
        assertThat(account.predictedLoadNanos())
            .isCloseTo(account.loadNanos(), withinPercentage(link < 50e9 ? 2 : 30));
        assertThat(account.bound())
            .isEqualTo(link < 50e9 ? Finish.Bound.LINK : Finish.Bound.COMPUTE);
      }
    }
  }
}
