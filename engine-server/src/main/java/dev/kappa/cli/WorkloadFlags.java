package dev.kappa.cli;

import dev.kappa.model.ModelShapes;
import dev.kappa.plan.Trace;
import dev.kappa.plan.TraceReader;
import dev.kappa.plan.Workload;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import picocli.CommandLine.Spec.Target;

/** The flags that describe what a planned machine is asked to do. */
final class WorkloadFlags {

  private static final int DEFAULT_CONTEXT = 32_000;
  private static final double DEFAULT_REUSE = 0.9;

  @SuppressWarnings("NullAway.Init") // set by picocli
  @Spec(Target.MIXEE)
  private CommandSpec spec;

  @Option(
      names = "--context",
      paramLabel = "TOKENS",
      description = "Tokens of each prompt (default: 32000, or the model's limit).")
  private @Nullable Integer context;

  @Option(
      names = "--reuse",
      paramLabel = "SHARE",
      description = "Share of the prompt whose KV is in host memory, from 0 to 1 (default: 0.9).")
  private @Nullable Double reuse;

  @Option(names = "--kappa", paramLabel = "K", description = "The same as cached per new token.")
  private @Nullable Double kappa;

  @Option(
      names = "--rate",
      paramLabel = "RATE",
      description = "Requests per second (default: one alone; of a trace, its own rate).")
  private @Nullable Double rate;

  @Option(
      names = "--trace",
      paramLabel = "FILE",
      description =
          "Requests from a trace in Mooncake's form: a line of JSON each, with timestamp,"
              + " input_length, output_length and hash_ids.")
  private @Nullable Path trace;

  @Option(
      names = "--requests",
      paramLabel = "COUNT",
      description = "Takes only the first requests of the trace.")
  private @Nullable Integer requests;

  /**
   * The workload that the flags describe.
   *
   * @throws ParameterException if they contradict each other
   * @throws dev.kappa.plan.PlanException if the trace cannot be read
   */
  Workload of(ModelShapes.Described described) {
    if (trace != null) {
      if (context != null || reuse != null || kappa != null) {
        throw wrong("--trace brings its own requests; leave --context, --reuse and --kappa away");
      }
      Trace read = TraceReader.read(trace);
      if (requests != null) {
        read = read.first(between("--requests", requests, 1));
      }
      warnOfLong(read, described.maxPositions());
      return new Workload.Recorded(rate == null ? read : read.atRate(positive("--rate", rate)));
    }
    if (requests != null) {
      throw wrong("--requests needs a --trace");
    }
    int tokens =
        context == null
            ? Math.min(DEFAULT_CONTEXT, described.maxPositions())
            : between("--context", context, 1);
    if (tokens > described.maxPositions()) {
      // No reason to refuse: the engine takes more positions where rotation is scaled.
      warn(
          "--context %d exceeds the %d positions that the model was made for"
              .formatted(tokens, described.maxPositions()));
    }
    int cached = (int) Math.min(tokens - 1, Math.round(share() * tokens));
    return new Workload.Equal(tokens, cached, rate == null ? 0 : positive("--rate", rate));
  }

  private void warnOfLong(Trace trace, int positions) {
    long exceeding =
        trace.requests().stream()
            .filter(request -> (long) request.inputTokens() + request.outputTokens() > positions)
            .count();
    if (exceeding > 0) {
      warn(
          "%d of the trace's %d requests exceed the %d positions that the model was made for; they"
                  .formatted(exceeding, trace.requests().size(), positions)
              + " are planned for all the same");
    }
  }

  private void warn(String message) {
    spec.commandLine().getErr().println("kappa: warning: " + message);
  }

  private double share() {
    if (reuse != null && kappa != null) {
      throw wrong("give --reuse or --kappa, not both");
    }
    if (kappa != null) {
      if (!(kappa >= 0) || Double.isInfinite(kappa)) {
        throw wrong("--kappa must be 0 or more, but is " + kappa);
      }
      return kappa / (1 + kappa);
    }
    double share = reuse == null ? DEFAULT_REUSE : reuse;
    if (!(share >= 0 && share <= 1)) {
      throw wrong("--reuse must be between 0 and 1, but is " + share);
    }
    return share;
  }

  private int between(String option, int value, int min) {
    return Checked.between(spec.commandLine(), option, value, min, 1 << 26);
  }

  private double positive(String option, double value) {
    return Checked.positive(spec.commandLine(), option, value);
  }

  private ParameterException wrong(String message) {
    CommandLine command = spec.commandLine();
    return new ParameterException(command, message);
  }
}
