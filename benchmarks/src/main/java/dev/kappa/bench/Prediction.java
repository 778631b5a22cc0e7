package dev.kappa.bench;

import dev.kappa.device.Device;
import dev.kappa.engine.Engine;
import dev.kappa.engine.EngineOptions;
import dev.kappa.kv.KvLayout;
import dev.kappa.model.ModelShapes;
import dev.kappa.plan.DocumentTrace;
import dev.kappa.plan.MeasuredMachine;
import dev.kappa.plan.Replay;
import dev.kappa.plan.Trace;
import dev.kappa.plan.TraceReplay;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Compares what {@code kappa plan --measure --replay} predicts for a trace with what the engine
 * does when the same requests arrive at the same times. Requests ask about documents of which a
 * third fit on the device and all into host memory. For one thread.
 */
final class Prediction {

  private static final int MOST_BLOCKS = 12;
  private static final int QUESTION = 256;
  private static final int OUTPUT = 16;
  private static final int DOCUMENTS_ON_DEVICE = 3;

  /** Requests per second at which no request meets another. */
  private static final double ALONE = 1e-4;

  private final Settings settings;
  private final Device device;
  private final DocumentTrace documents;
  private final ModelShapes.Described described;

  /**
   * What to compare.
   *
   * @param documents how many there are
   * @param requests of each round
   * @param rounds each with documents and arrivals of its own, and engines that know nothing yet
   * @param use share of the time that requests take one after the other; decides their rate
   * @param maxBatchedTokens most tokens in a step; 0 for the engine's choice
   * @param dummyWeights whether weights are random
   * @param seed of documents and arrivals
   * @param traceOut where to write a trace of the last round; null for none
   */
  record Settings(
      Path model,
      int documents,
      int requests,
      int rounds,
      double use,
      int maxBatchedTokens,
      boolean dummyWeights,
      long seed,
      @Nullable Path traceOut) {}

  /**
   * One round.
   *
   * @param rate requests per second
   */
  record Round(double rate, Replay predicted, Replay found) {

    /** Found over predicted. */
    double firstTokenRatio() {
      return found.firstTokenMillis().p50() / predicted.firstTokenMillis().p50();
    }
  }

  /** What came of it. */
  record Result(MeasuredMachine measured, List<Round> rounds) {

    /** The median over the rounds. */
    double firstTokenRatio() {
      return Statistics.median(rounds.stream().mapToDouble(Round::firstTokenRatio).toArray());
    }
  }

  Prediction(Settings settings, Device device) {
    this.settings = settings;
    this.device = device;
    described = ModelShapes.read(settings.model);
    int room = (described.maxPositions() - QUESTION - OUTPUT) / Trace.BLOCK;
    int most = Math.max(1, Math.min(MOST_BLOCKS, room));
    documents =
        new DocumentTrace(settings.documents, Math.max(1, most / 4), most, QUESTION, OUTPUT);
  }

  /**
   * Measures the machine, then predicts and finds out.
   *
   * @param progress told what goes on
   */
  Result run(Consumer<String> progress) throws InterruptedException {
    progress.accept("measuring");
    MeasuredMachine measured =
        MeasuredMachine.of(settings.model, device, settings.maxBatchedTokens);
    List<Round> rounds = new ArrayList<>();
    for (int round = 0; round < settings.rounds; round++) {
      progress.accept("round %d of %d".formatted(round + 1, settings.rounds));
      rounds.add(round(measured, settings.seed + round));
    }
    return new Result(measured, rounds);
  }

  private Round round(MeasuredMachine measured, long seed) throws InterruptedException {
    EngineOptions.Builder options = options(measured.maxBatchedTokens());
    Replay alone = replay(measured, options, documents.of(settings.requests, ALONE, seed));
    double millis = alone.firstTokenMillis().mean() + OUTPUT / 2.0 * alone.perTokenMillis().mean();
    double rate = settings.use / (millis / 1e3);
    Trace trace = documents.of(settings.requests, rate, seed);
    Replay predicted = replay(measured, options, trace);
    EngineOptions real = options.dummyWeights(settings.dummyWeights).warmUp(true).build();
    try (Engine engine =
        Engine.builder(settings.model).options(real).trace(settings.traceOut).start(device)) {
      return new Round(
          rate, predicted, TraceReplay.live(engine, device.clock(), trace, done -> {}));
    }
  }

  private Replay replay(MeasuredMachine measured, EngineOptions.Builder options, Trace trace) {
    EngineOptions dummy = options.dummyWeights(true).build();
    return TraceReplay.run(settings.model, measured.machine(), dummy, trace, done -> {});
  }

  private EngineOptions.Builder options(int maxBatchedTokens) {
    long perToken = described.shape().kvBytesPerToken();
    int blockTokens = KvLayout.defaultBlockTokens(perToken);
    long all = (long) settings.documents * documents.longest();
    long onDevice = Math.max(2L * documents.longest(), all / DOCUMENTS_ON_DEVICE);
    return EngineOptions.builder()
        .maxModelLength(documents.longest())
        .blockTokens(blockTokens)
        .numBlocks(Math.toIntExact(Math.ceilDiv(onDevice, blockTokens)))
        .maxBatchedTokens(maxBatchedTokens)
        .hostBytes(2 * all * perToken)
        .seed(settings.seed);
  }
}
