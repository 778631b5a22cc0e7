package dev.kappa.engine;

import dev.kappa.device.DType;
import dev.kappa.engine.EngineEquivalenceTest.Job;
import dev.kappa.engine.EngineEquivalenceTest.Result;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * What requests put out alone: one at a time, each in one chunk, everything on the device, nothing
 * cached. Engines stay open until the end. Not thread-safe.
 */
final class AloneEngines implements AutoCloseable {

  private static final int BLOCK_TOKENS = 16;
  private static final int LONGEST = 512;

  private record Kind(Path model, DType kvType) {}

  private final Map<Kind, TestEngine> engines = new HashMap<>();

  List<Result> results(Path model, DType kvType, List<Job> jobs) {
    TestEngine engine = engines.computeIfAbsent(new Kind(model, kvType), AloneEngines::open);
    List<Result> results = new ArrayList<>();
    for (Job job : jobs) {
      results.add(Result.of(engine.submit(job.prompt(), job.sampling())));
    }
    return results;
  }

  private static TestEngine open(Kind kind) {
    EngineOptions options =
        EngineOptions.builder()
            .numBlocks(LONGEST / BLOCK_TOKENS)
            .blockTokens(BLOCK_TOKENS)
            .maxSequences(1)
            .kvDType(kind.kvType)
            .prefixCaching(false)
            .build();
    return new TestEngine(kind.model, options, 1);
  }

  @Override
  public void close() {
    engines.values().forEach(TestEngine::close);
    engines.clear();
  }
}
