package dev.kappa.engine;

import dev.kappa.device.Clock;
import dev.kappa.device.DType;
import dev.kappa.device.Device;
import dev.kappa.device.Resources;
import dev.kappa.device.Stream;
import dev.kappa.kv.BlockKeys;
import dev.kappa.kv.KvCache;
import dev.kappa.kv.KvLayout;
import dev.kappa.model.AttentionConfig;
import dev.kappa.model.Checkpoint;
import dev.kappa.model.GenerationDefaults;
import dev.kappa.model.LoadFormat;
import dev.kappa.model.ModelConfig;
import dev.kappa.model.ModelDirectory;
import dev.kappa.model.ModelShapes;
import dev.kappa.model.Transformer;
import dev.kappa.model.TransformerWeights;
import dev.kappa.model.WeightLoader;
import dev.kappa.roofline.KvType;
import dev.kappa.roofline.ModelShape;
import dev.kappa.schedule.LongSequence;
import dev.kappa.schedule.Reach;
import dev.kappa.schedule.Scheduler;
import dev.kappa.schedule.StepCost;
import dev.kappa.text.HuggingFaceTokenizer;
import dev.kappa.text.NumericTokenizer;
import dev.kappa.text.Tokenizer;
import dev.kappa.trace.TraceFile;
import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * Everything an engine is made of, opened in order and closed in reverse. Owns all of it but the
 * device.
 */
final class EngineParts implements AutoCloseable {

  private static final String COMPUTE = "compute";

  private final Device device;
  private final EngineOptions options;
  private final Resources resources = new Resources();

  private final GenerationDefaults defaults;
  private final Tokenizer tokenizer;
  private final EngineInfo info;
  private final long weightBytes;
  private final ModelShape shape;
  private final Stream stream;
  private final KvCache cache;
  private final StepRunner runner;
  private final LoadGate gate;
  private final @Nullable LongRunner longRunner;
  private final @Nullable Tracer tracer;

  private EngineParts(
      Path model,
      EngineOptions options,
      @Nullable Tokenizer given,
      LoadProgress progress,
      @Nullable Path trace,
      Device device) {
    this.device = device;
    this.options = options;
    boolean done = false;
    try {
      // First, to be closed last: everything else may have something to tell when it ends.
      tracer = trace == null ? null : new Tracer(resources.own(open(trace), TraceFile::close));
      Tokenizer own = given == null ? null : resources.own(given, Tokenizer::close);
      ModelDirectory directory = ModelDirectory.open(model);
      ModelConfig config = directory.config();
      defaults = directory.generation();
      tokenizer = own == null ? resources.own(openTokenizer(directory), Tokenizer::close) : own;
      EngineSizing sizing = new EngineSizing(config, directory.weights(format()), options, device);
      String fingerprint;
      TransformerWeights weights;
      try (Checkpoint checkpoint = directory.checkpoint(format(), options.seed())) {
        weights =
            resources.own(
                WeightLoader.load(
                    config,
                    checkpoint,
                    device,
                    sizing.maxModelLength(),
                    new ProgressSum(progress, sizing.checkpointBytes())),
                TransformerWeights::close);
        fingerprint =
            checkpoint.fingerprint() + config.attention().variant(sizing.maxModelLength());
      }
      int rows = sizing.maxBatchedTokens();
      Transformer transformer =
          resources.own(new Transformer(config, weights, device, rows), Transformer::close);
      info = sizing.info();
      weightBytes = sizing.weightBytes();
      shape = ModelShapes.of(config).withKv(kvType(info.kvDType()));
      stream = resources.own(device.newStream(COMPUTE), Stream::close);
      KvLayout layout = sizing.layout();
      BlockKeys keys = new BlockKeys(layout, fingerprint, device.info().numericsId());
      cache =
          resources.own(
              new KvCache(
                  device,
                  layout,
                  info.numBlocks(),
                  keys,
                  stream,
                  sizing.kvOptions(),
                  sizing.windows()),
              KvCache::close);
      StepMarks marks =
          tracer == null
              ? null
              : resources.own(new StepMarks(device, tracer, COMPUTE), StepMarks::close);
      if (tracer != null) {
        cache.onCopied(tracer);
      }
      runner =
          resources.own(
              new StepRunner(
                  device,
                  transformer,
                  layout,
                  stream,
                  config.vocabularySize(),
                  rows,
                  info.maxSequences(),
                  layout.blocksFor(info.maxModelLength()),
                  marks),
              StepRunner::close);
      gate = resources.own(new LoadGate(device, cache, marks), LoadGate::close);
      if (sizing.exceedsDevice()) {
        int longRows = LongSequence.maxChunk(cache.longContexts(), rows);
        longRunner =
            resources.own(
                new LongRunner(
                    device, config, weights, cache, longRows, info.maxModelLength(), tracer),
                LongRunner::close);
      } else {
        longRunner = null;
      }
      // Closed first, whatever was opened after it: no memory may go while work is in flight.
      resources.own(stream, Stream::close);
      if (options.warmUp()) {
        int limit = Math.min(info.maxBatchedTokens(), info.maxModelLength());
        new WarmUp(runner, cache, gate, limit).run(device.clock());
      }
      if (marks != null) {
        marks.start();
      }
      done = true;
    } finally {
      if (!done) {
        close();
      }
    }
  }

  static EngineParts load(
      Path model,
      EngineOptions options,
      @Nullable Tokenizer tokenizer,
      LoadProgress progress,
      @Nullable Path trace,
      Device device) {
    return new EngineParts(model, options, tokenizer, progress, trace, device);
  }

  EngineInfo info() {
    return info;
  }

  GenerationDefaults defaults() {
    return defaults;
  }

  Tokenizer tokenizer() {
    return tokenizer;
  }

  Clock clock() {
    return device.clock();
  }

  long seed() {
    return options.seed();
  }

  EngineLoop newLoop() {
    ModelConfig model = info.model();
    StepCost cost =
        new StepCost(
            2.0 * model.activeParameters(),
            4.0 * model.layers() * model.heads() * model.headDim(),
            (double) weightBytes / model.parameters() * model.activeParameters(),
            info.kvBytesPerToken(),
            reach(model));
    Scheduler scheduler =
        new Scheduler(
            cache,
            cost,
            options.schedule(),
            options.restore(),
            info.maxSequences(),
            info.maxBatchedTokens());
    Rates rates = new Rates(cost, cache, shape, info.maxBatchedTokens());
    return new EngineLoop(
        device,
        scheduler,
        cost,
        rates,
        cache,
        runner,
        gate,
        longRunner,
        tracer,
        model.vocabularySize());
  }

  private static Reach reach(ModelConfig model) {
    AttentionConfig attention = model.attention();
    double share = (double) attention.windowed().size() / model.layers();
    return share == 0 ? Reach.ALL : new Reach(attention.window(), share);
  }

  /** Closes the stream, then everything in reverse. */
  @Override
  public void close() {
    resources.close();
  }

  private TraceFile open(Path trace) {
    try {
      return TraceFile.create(trace, device.clock().nanos());
    } catch (NoSuchFileException e) {
      String message = "cannot write the trace " + trace + ": no such directory";
      throw new EngineException(EngineException.Kind.INVALID_REQUEST, message, e);
    } catch (IOException e) {
      String message = "cannot write the trace " + trace + ": " + e;
      throw new EngineException(EngineException.Kind.INVALID_REQUEST, message, e);
    }
  }

  /** A type of the same size. */
  private static KvType kvType(DType dtype) {
    return dtype == DType.F32 ? KvType.F32 : KvType.BF16;
  }

  private LoadFormat format() {
    return options.dummyWeights() ? LoadFormat.DUMMY : LoadFormat.STORED;
  }

  private Tokenizer openTokenizer(ModelDirectory directory) {
    if (options.dummyWeights() && directory.tokenizer() == null) {
      return new NumericTokenizer(directory.config().vocabularySize());
    }
    return HuggingFaceTokenizer.load(directory.path());
  }
}
