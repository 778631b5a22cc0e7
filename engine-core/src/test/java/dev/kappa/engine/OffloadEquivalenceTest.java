package dev.kappa.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kappa.device.DType;
import dev.kappa.device.Device;
import dev.kappa.device.Devices;
import dev.kappa.engine.EngineEquivalenceTest.Job;
import dev.kappa.engine.EngineEquivalenceTest.Result;
import dev.kappa.kv.RestoreMode;
import dev.kappa.model.Fixtures;
import dev.kappa.sample.SamplingParams;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The same requests with their KV in every place where it can be, on every model: text, tokens and
 * log probabilities are those of the request alone on the device, to the bit.
 */
@Timeout(300)
class OffloadEquivalenceTest {

  private static final int BLOCK_TOKENS = 16;
  private static final long HOST = 8L << 20;

  private static AloneEngines aloneEngines;

  @BeforeAll
  static void open() {
    aloneEngines = new AloneEngines();
  }

  @AfterAll
  static void close() {
    aloneEngines.close();
  }

  static Stream<Arguments> cases() {
    List<Arguments> cases = new ArrayList<>();
    List<String> models = new ArrayList<>(Fixtures.MODELS);
    models.add("qwen3-q6_k.gguf");
    for (String model : models) {
      for (RestoreMode restore : RestoreMode.values()) {
        for (DType kvType : List.of(DType.F32, DType.BF16)) {
          cases.add(Arguments.of(model, restore, kvType));
        }
      }
    }
    return cases.stream();
  }

  private static EngineOptions.Builder options(RestoreMode restore, DType kvType, int blocks) {
    return EngineOptions.builder()
        .numBlocks(blocks)
        .blockTokens(BLOCK_TOKENS)
        .maxSequences(4)
        .maxBatchedTokens(64)
        .kvDType(kvType)
        .hostBytes(HOST)
        .restore(restore)
        .layerGroups(2)
        .checkKv(true);
  }

  /** Greedy and sampled, with log probabilities, of this many prompt tokens. */
  private static List<Job> jobs(int promptTokens, int output) {
    Random random = new Random(promptTokens);
    List<Job> jobs = new ArrayList<>();
    for (double temperature : new double[] {0, 0.9}) {
      jobs.add(
          new Job(
              TestEngine.randomPrompt(random, promptTokens, 256),
              SamplingParams.builder()
                  .temperature(temperature)
                  .seed(3L)
                  .maxTokens(output)
                  .ignoreEos(true)
                  .logprobs(3)
                  .build()));
    }
    return jobs;
  }

  private static List<Result> alone(String model, DType kvType, List<Job> jobs) {
    return aloneEngines.results(TestEngine.tinyModel(model), kvType, jobs);
  }

  private static TestEngine start(String model, EngineOptions.Builder options) {
    return new TestEngine(TestEngine.tinyModel(model), options.build(), 2);
  }

  private static Collected submit(TestEngine engine, Job job) {
    return engine.submit(job.prompt(), job.sampling());
  }

  /**
   * 100 tokens end within a block; of 96, which are whole blocks, all but the last are restored.
   */
  @ParameterizedTest
  @MethodSource("cases")
  void restored(String model, RestoreMode restore, DType kvType) {
    for (int length : new int[] {100, 96}) {
      List<Job> jobs = jobs(length, 20);
      List<Result> expected = alone(model, kvType, jobs);
      try (TestEngine engine = start(model, options(restore, kvType, 16))) {
        for (int i = 0; i < jobs.size(); i++) {
          assertThat(Result.of(submit(engine, jobs.get(i)))).isEqualTo(expected.get(i));
          Collected onDevice = submit(engine, jobs.get(i));
          assertThat(Result.of(onDevice)).isEqualTo(expected.get(i));
          assertThat(onDevice.finish().usage().cachedTokens()).isEqualTo(length == 96 ? 95 : 96);
          engine.awaitIdle();
          engine.engine().clearCache(true, false).join();
          Collected fromHost = submit(engine, jobs.get(i));
          assertThat(Result.of(fromHost)).isEqualTo(expected.get(i));
          int most = restore == RestoreMode.RECOMPUTE ? 0 : Math.min(length - 1, 96);
          // How much is computed instead, where the engine may choose, depends on the machine.
          int least = restore == RestoreMode.AUTO ? 0 : most;
          assertThat(fromHost.finish().usage().hostTokens()).isBetween(least, most);
        }
      }
    }
  }

  /** 384 of 400 tokens on a device of 160, from nothing and from a prefix. */
  @ParameterizedTest
  @MethodSource("cases")
  void streamed(String model, RestoreMode restore, DType kvType) {
    List<Job> jobs = jobs(400, 20);
    List<Result> expected = alone(model, kvType, jobs);
    try (TestEngine engine = start(model, options(restore, kvType, 10))) {
      for (int i = 0; i < jobs.size(); i++) {
        assertThat(Result.of(submit(engine, jobs.get(i)))).isEqualTo(expected.get(i));
        engine.awaitIdle();
        Collected again = submit(engine, jobs.get(i));
        assertThat(Result.of(again)).isEqualTo(expected.get(i));
        int restored = restore == RestoreMode.RECOMPUTE ? 0 : 384;
        assertThat(again.finish().usage().hostTokens()).isEqualTo(restored);
      }
    }
  }

  /** Together on a device that holds two of them; the long one beside the others. */
  @ParameterizedTest
  @MethodSource("cases")
  void preemptedAndBatched(String model, RestoreMode restore, DType kvType) {
    List<Job> jobs = new ArrayList<>(jobs(400, 10));
    for (int length : new int[] {90, 48, 64, 33}) {
      jobs.addAll(jobs(length, 60));
    }
    List<Result> expected = alone(model, kvType, jobs);
    try (TestEngine engine = start(model, options(restore, kvType, 16))) {
      for (int round = 0; round < 2; round++) {
        List<Collected> running = new ArrayList<>();
        engine.atOnce(() -> jobs.forEach(job -> running.add(submit(engine, job))));
        for (int i = 0; i < jobs.size(); i++) {
          assertThat(Result.of(running.get(i))).as("job %d", i).isEqualTo(expected.get(i));
        }
        engine.awaitIdle();
      }
      EngineStats stats = engine.engine().stats();
      assertThat(stats.preemptions()).isPositive();
      assertThat(stats.hostPromptTokens() > 0).isEqualTo(restore != RestoreMode.RECOMPUTE);
    }
  }

  /** The shipped model on its ledger of 4000 tokens: restored, then on a device of half of it. */
  @ParameterizedTest
  @ValueSource(ints = {512, 128})
  void theShippedModelOnItsLedger(int blocks) throws IOException {
    Path model = Path.of("..", "models", "haystack");
    String document =
        Files.readString(model.resolve("examples").resolve("ledger-4k.txt")).stripTrailing();
    SamplingParams sampling =
        SamplingParams.builder().temperature(0).maxTokens(12).ignoreEos(true).logprobs(3).build();
    Result expected;
    try (Device device = Devices.open("cpu", 2).device();
        Engine engine = Engine.builder(model).start(device)) {
      int[] prompt = engine.tokenizer().encode("<|bos|><|system|>" + document, false);
      expected = Result.of(submit(engine, prompt, sampling));
      EngineOptions small =
          EngineOptions.builder()
              .numBlocks(blocks)
              .blockTokens(BLOCK_TOKENS)
              .hostBytes(64L << 20)
              // How much is computed instead, where the engine may choose, depends on the machine.
              .restore(RestoreMode.LOAD)
              .build();
      try (Device other = Devices.open("cpu", 2).device();
          Engine offloading = Engine.builder(model).options(small).start(other)) {
        assertThat(Result.of(submit(offloading, prompt, sampling))).isEqualTo(expected);
        // What was asked before this is in the books once it is done.
        offloading.clearCache(false, false).join();
        while (offloading.stats().kv().host().used() > 0) {
          Thread.onSpinWait();
        }
        offloading.clearCache(true, false).join();
        int[] same = Arrays.copyOf(prompt, prompt.length);
        Collected restored = submit(offloading, same, sampling);
        assertThat(Result.of(restored)).isEqualTo(expected);
        assertThat(restored.finish().usage().hostTokens()).isGreaterThan(prompt.length - 80);
      }
    }
  }

  private static Collected submit(Engine engine, int[] prompt, SamplingParams sampling) {
    return Collected.submit(engine, new GenerationRequest("ledger", prompt, sampling));
  }
}
