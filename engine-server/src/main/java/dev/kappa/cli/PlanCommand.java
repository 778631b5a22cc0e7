package dev.kappa.cli;

import dev.kappa.cli.plan.PlanText;
import dev.kappa.cli.plan.ReplayText;
import dev.kappa.engine.EngineOptions;
import dev.kappa.model.ModelShapes;
import dev.kappa.plan.Plan;
import dev.kappa.plan.PlanException;
import dev.kappa.plan.Planner;
import dev.kappa.plan.Replay;
import dev.kappa.plan.Trace;
import dev.kappa.plan.TraceReader;
import dev.kappa.plan.TraceReplay;
import dev.kappa.plan.Workload;
import dev.kappa.roofline.Machine;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;

/** {@code kappa plan}: what to expect of a model, a machine and a workload. */
@Command(
    name = "plan",
    description = {
      "Works out what to expect of a model on a GPU: tokens per tier, κ_crit, times of loading and"
          + " computing, and what a better link, another GPU or more host memory would change.",
      "Needs neither the GPU nor the weights."
    },
    footer = Environment.FOOTER,
    mixinStandardHelpOptions = true)
final class PlanCommand implements Callable<Integer> {

  private static final int DEFAULT_CONTEXT = 32_000;
  private static final double DEFAULT_REUSE = 0.9;
  private static final int PROGRESS_STEP = 100;

  /**
   * What {@code --json} prints.
   *
   * @param replay null if none was asked for
   */
  private record Output(Plan plan, @Nullable Replay replay) {}

  @SuppressWarnings("NullAway.Init") // set by picocli
  @Spec
  private CommandSpec spec;

  @Parameters(paramLabel = "MODEL", description = "Directory of the model, or its config.json.")
  private Path model = Path.of("");

  @Mixin private MachineFlags machine = new MachineFlags();

  @Option(
      names = "--kv-offloading-size",
      paramLabel = "GIB",
      defaultValue = "256",
      description = "Host memory for KV blocks (default: 256).")
  private double hostGib;

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

  @Option(
      names = "--replay",
      description = "Lets the engine serve the trace in virtual time as well.")
  private boolean replay;

  @Option(names = "--json", description = "Writes JSON.")
  private boolean json;

  @Override
  public Integer call() {
    ModelShapes.Described described = ModelShapes.read(model);
    Machine planned = machine.machine(described, spec.commandLine());
    Workload workload = workload(described);
    Plan plan = new Planner(described, planned, machine.devices(), hostBytes(), workload).plan();
    PrintWriter out = spec.commandLine().getOut();
    if (!json) {
      out.print(PlanText.of(plan));
      out.flush();
    }
    Replay replayed = replay ? replay(planned, workload) : null;
    if (json) {
      out.println(
          JsonMapper.builder()
              .enable(SerializationFeature.INDENT_OUTPUT)
              .build()
              .writeValueAsString(new Output(plan, replayed)));
    } else if (replayed != null) {
      out.print(ReplayText.of(replayed));
    }
    out.flush();
    return 0;
  }

  private Workload workload(ModelShapes.Described described) {
    if (trace != null) {
      if (context != null || reuse != null || kappa != null) {
        throw wrong("--trace brings its own requests; leave --context, --reuse and --kappa away");
      }
      Trace read = TraceReader.read(trace);
      if (requests != null) {
        read = read.first(between("--requests", requests, 1));
      }
      return new Workload.Recorded(rate == null ? read : read.atRate(positive("--rate", rate)));
    }
    if (replay || requests != null) {
      throw wrong("--replay and --requests need a --trace");
    }
    int tokens =
        context == null
            ? Math.min(DEFAULT_CONTEXT, described.maxPositions())
            : between("--context", context, 1);
    int cached = (int) Math.min(tokens - 1, Math.round(share() * tokens));
    return new Workload.Equal(tokens, cached, rate == null ? 0 : positive("--rate", rate));
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

  private Replay replay(Machine planned, Workload workload) {
    if (machine.devices() > 1) {
      throw new PlanException("--replay is for one GPU: the engine does not divide a model yet");
    }
    if (!(workload instanceof Workload.Recorded recorded)) {
      throw wrong("--replay needs a --trace");
    }
    Path folder = Files.isDirectory(model) ? model : model.toAbsolutePath().getParent();
    if (folder == null) {
      throw wrong("MODEL has no directory");
    }
    EngineOptions options =
        EngineOptions.builder().dummyWeights(true).hostBytes(hostBytes()).build();
    PrintWriter err = spec.commandLine().getErr();
    int count = recorded.trace().requests().size();
    long began = System.nanoTime();
    Replay result =
        TraceReplay.run(
            folder,
            planned,
            options,
            recorded.trace(),
            done -> {
              if (done % PROGRESS_STEP == 0) {
                err.printf(Locale.ROOT, "\rReplayed %,d of %,d requests", done, count);
                err.flush();
              }
            });
    double seconds = (System.nanoTime() - began) / 1e9;
    err.printf(
        Locale.ROOT,
        "\rReplayed %,d requests in %.1f s, %.0f per second%n",
        count,
        seconds,
        count / seconds);
    err.flush();
    return result;
  }

  private long hostBytes() {
    if (!(hostGib >= 0 && hostGib <= 1 << 20)) {
      throw wrong(
          "--kv-offloading-size must be between 0 and %d, but is %s".formatted(1 << 20, hostGib));
    }
    return (long) (hostGib * (1L << 30));
  }

  private int between(String option, int value, int min) {
    return Checked.between(spec.commandLine(), option, value, min, 1 << 26);
  }

  private double positive(String option, double value) {
    if (!(value > 0) || Double.isInfinite(value)) {
      throw wrong(option + " must be above 0, but is " + value);
    }
    return value;
  }

  private ParameterException wrong(String message) {
    CommandLine command = spec.commandLine();
    return new ParameterException(command, message);
  }
}
