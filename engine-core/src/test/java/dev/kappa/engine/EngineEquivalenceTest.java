package dev.kappa.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kappa.device.DType;
import dev.kappa.device.Device;
import dev.kappa.device.Devices;
import dev.kappa.sample.SamplingParams;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * On a device that is exact, as the CPU device is, a request's tokens and log probabilities are the
 * same to the bit, whatever else runs: alone, in a batch, cut into chunks, on cached blocks, or
 * preempted.
 */
public class EngineEquivalenceTest {

  private static final Path MODEL = TestEngine.tinyModel("qwen3-tiny");

  /** A fresh device with so many threads. */
  protected Device openDevice(int threads) {
    return Devices.open("cpu", threads).device();
  }

  record Job(int[] prompt, SamplingParams sampling) {}

  /** What a request put out; floats compare by their bits. */
  record Result(String text, List<Integer> tokens, List<Float> logprobs) {
    static Result of(Collected collected) {
      List<Float> logprobs = new ArrayList<>();
      collected.promptLogprobs().forEach(p -> logprobs.add(p.logprob()));
      collected.logprobs().forEach(p -> logprobs.add(p.logprob()));
      return new Result(collected.text(), collected.tokens(), logprobs);
    }
  }

  /**
   * Mixed lengths, shared prefixes, greedy and seeded sampling, with and without log probabilities.
   */
  static List<Job> jobs(Random random, int count) {
    int vocabulary = 256;
    int[] shared = TestEngine.randomPrompt(random, 50, vocabulary);
    List<Job> jobs = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      int[] prompt = TestEngine.randomPrompt(random, 1 + random.nextInt(60), vocabulary);
      if (random.nextBoolean()) {
        System.arraycopy(shared, 0, prompt, 0, Math.min(prompt.length, random.nextInt(51)));
      }
      double temperature = random.nextBoolean() ? 0 : 0.8;
      int logprobs = random.nextInt(3) == 0 ? 2 : -1;
      int promptLogprobs = random.nextInt(5) == 0 ? 1 : -1;
      jobs.add(
          new Job(
              prompt,
              SamplingParams.builder()
                  .temperature(temperature)
                  .topK(random.nextInt(2) * 20)
                  .seed(i)
                  .maxTokens(random.nextInt(66))
                  .ignoreEos(true)
                  .logprobs(logprobs)
                  .promptLogprobs(promptLogprobs)
                  .build()));
    }
    return jobs;
  }

  private List<Result> alone(Path model, List<Job> jobs) {
    return alone(openDevice(1), model, DType.F32, jobs);
  }

  /** Each job by itself, in one chunk, on nothing cached. */
  static List<Result> alone(Device device, Path model, DType kvType, List<Job> jobs) {
    EngineOptions options =
        EngineOptions.builder()
            .numBlocks(32)
            .blockTokens(16)
            .maxSequences(1)
            .kvDType(kvType)
            .prefixCaching(false)
            .build();
    List<Result> results = new ArrayList<>();
    try (TestEngine engine = new TestEngine(model, options, device)) {
      for (Job job : jobs) {
        results.add(Result.of(engine.submit(job.prompt, job.sampling)));
      }
    }
    return results;
  }

  @ParameterizedTest
  @CsvSource({
    "qwen3-tiny,1",
    "qwen3-tiny,2",
    "qwen3-tiny,3",
    "qwen3-tiny,4",
    "mistral-tiny,1",
    "qwen2-tiny,2",
    "gemma2-tiny,3",
    "gemma3-tiny,4",
    "phi3-tiny,1",
    "mixtral-tiny,2",
    "qwen3-moe-tiny,3",
    "llama-q4_k.gguf,4",
    "qwen2-q4_0.gguf,1",
  })
  void manyAtOnceGiveTheBitsOfEachAlone(String name, long seed) {
    Path model = TestEngine.tinyModel(name);
    Random random = new Random(seed);
    List<Job> jobs = jobs(random, 24);
    List<Result> expected = alone(model, jobs);
    // A pool so small that sequences preempt one another, and chunks of odd sizes.
    int blockTokens = List.of(4, 8, 16).get(random.nextInt(3));
    int blocks = 128 / blockTokens + random.nextInt(8);
    EngineOptions options = TestEngine.options(blocks, blockTokens, 6, 7 + random.nextInt(30));
    try (TestEngine engine = new TestEngine(model, options, openDevice(2))) {
      List<Collected> running = new ArrayList<>();
      engine.atOnce(
          () -> jobs.forEach(job -> running.add(engine.submit(job.prompt, job.sampling))));
      for (int i = 0; i < jobs.size(); i++) {
        assertThat(Result.of(running.get(i)))
            .as("seed %d, job %d", seed, i)
            .isEqualTo(expected.get(i));
      }
      engine.awaitIdle();
      EngineStats stats = engine.engine().stats();
      assertThat(stats.preemptions()).as("preemptions").isPositive();
      assertThat(stats.cachedPromptTokens()).as("cached tokens").isPositive();
    }
  }

  @Test
  void cachedPrefixesChangeNoBit() {
    Random random = new Random(9);
    int[] prompt = TestEngine.randomPrompt(random, 96, 256);
    SamplingParams sampling =
        SamplingParams.builder().temperature(0).maxTokens(20).ignoreEos(true).logprobs(3).build();
    try (TestEngine engine =
        new TestEngine(MODEL, TestEngine.options(32, 16, 4, 64), openDevice(2))) {
      Collected cold = engine.submit(prompt, sampling);
      assertThat(cold.finish().usage().cachedTokens()).isZero();
      // 96 tokens are whole blocks: all but the last token come from the cache.
      Collected warm = engine.submit(prompt, sampling);
      assertThat(warm.finish().usage().cachedTokens()).isEqualTo(95);
      assertThat(Result.of(warm)).isEqualTo(Result.of(cold));
      int[] longer = java.util.Arrays.copyOf(prompt, 100);
      assertThat(engine.submit(longer, sampling).finish().usage().cachedTokens()).isEqualTo(96);
    }
  }

  @Test
  void cancelledRequestsDisturbNobodyAndFreeTheirBlocks() {
    Random random = new Random(5);
    List<Job> jobs = jobs(random, 12);
    List<Result> expected = alone(MODEL, jobs);
    try (TestEngine engine =
        new TestEngine(MODEL, TestEngine.options(48, 4, 6, 16), openDevice(2))) {
      List<Collected> running = new ArrayList<>();
      List<Collected> doomed = new ArrayList<>();
      for (Job job : jobs) {
        running.add(engine.submit(job.prompt, job.sampling));
        doomed.add(engine.submit(job.prompt, TestEngine.greedy(60)));
      }
      for (Collected victim : doomed) {
        victim.cancel();
      }
      for (int i = 0; i < jobs.size(); i++) {
        assertThat(Result.of(running.get(i))).as("job %d", i).isEqualTo(expected.get(i));
      }
      for (Collected victim : doomed) {
        assertThat(victim.finish().reason()).isIn(Finish.Reason.ABORT, Finish.Reason.LENGTH);
      }
    }
  }
}
