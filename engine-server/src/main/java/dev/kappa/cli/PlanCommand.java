package dev.kappa.cli;

import dev.kappa.cli.plan.MeasuredText;
import dev.kappa.cli.plan.Picture;
import dev.kappa.cli.plan.PlanText;
import dev.kappa.cli.plan.ReplayText;
import dev.kappa.engine.EngineOptions;
import dev.kappa.model.ModelDirectory;
import dev.kappa.model.ModelShapes;
import dev.kappa.plan.MeasuredMachine;
import dev.kappa.plan.Plan;
import dev.kappa.plan.PlanException;
import dev.kappa.plan.Planner;
import dev.kappa.plan.Replay;
import dev.kappa.plan.Trace;
import dev.kappa.plan.TraceReplay;
import dev.kappa.plan.Workload;
import dev.kappa.roofline.Machine;
import dev.kappa.roofline.MeasuredRates;
import dev.kappa.roofline.Roofline;
import java.io.IOException;
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
      "Needs neither the GPU nor the weights; or plans for this machine and measures it first."
    },
    footer = Environment.FOOTER,
    mixinStandardHelpOptions = true)
final class PlanCommand implements Callable<Integer> {

  private static final int PROGRESS_STEP = 100;

  /**
   * What {@code --json} prints.
   *
   * @param measured null unless this machine was measured
   * @param replay null if none was asked for
   */
  private record Output(@Nullable MeasuredRates measured, Plan plan, @Nullable Replay replay) {}

  @SuppressWarnings("NullAway.Init") // set by picocli
  @Spec
  private CommandSpec spec;

  @Parameters(
      paramLabel = "MODEL",
      description = "Directory of the model, its config.json, or a GGUF file.")
  private Path model = Path.of("");

  @Mixin private MachineFlags machine = new MachineFlags();

  @Option(
      names = "--kv-offloading-size",
      paramLabel = "GIB",
      defaultValue = "256",
      description = "Host memory for KV blocks (default: 256).")
  private double hostGib;

  @Mixin private WorkloadFlags workload = new WorkloadFlags();

  @Option(
      names = "--replay",
      description = "Lets the engine serve the trace in virtual time as well.")
  private boolean replay;

  @Option(
      names = "--picture",
      paramLabel = "FILE",
      description =
          "Draws the times of loading and computing such a context by κ, as SVG; of a trace, of its"
              + " median request.")
  private @Nullable Path picture;

  @Option(names = "--json", description = "Writes JSON.")
  private boolean json;

  @Override
  public Integer call() throws IOException {
    ModelShapes.Described described = ModelShapes.read(model);
    Workload asked = workload.of(described);
    if (replay && !(asked instanceof Workload.Recorded)) {
      throw wrong("--replay needs a --trace");
    }
    // Before this machine is measured, which may take minutes.
    long hostBytes = hostBytes();
    Checked.writable(spec.commandLine(), "--picture", picture);
    MeasuredMachine measured =
        machine.measures() ? machine.measured(folder(), spec.commandLine()) : null;
    Machine planned =
        measured == null ? machine.machine(described, spec.commandLine()) : measured.machine();
    Plan plan = new Planner(described, planned, machine.devices(), hostBytes, asked).plan();
    if (picture != null) {
      Roofline roofline = new Roofline(described.shape(), planned.profile(), machine.devices());
      String title =
          String.format(
              Locale.ROOT, "%s on %s, %,d tokens", plan.model(), plan.machine(), plan.context());
      Files.writeString(picture, Picture.of(title, roofline, plan.context()));
    }
    PrintWriter out = spec.commandLine().getOut();
    if (!json) {
      out.print(measured == null ? "" : MeasuredText.of(measured.rates()));
      out.print(PlanText.of(plan));
      out.flush();
    }
    Replay replayed =
        replay && asked instanceof Workload.Recorded recorded
            ? replay(planned, recorded.trace(), measured == null ? 0 : measured.maxBatchedTokens())
            : null;
    if (json) {
      out.println(
          JsonMapper.builder()
              .enable(SerializationFeature.INDENT_OUTPUT)
              .build()
              .writeValueAsString(
                  new Output(measured == null ? null : measured.rates(), plan, replayed)));
    } else if (replayed != null) {
      out.print(ReplayText.of(replayed));
    }
    out.flush();
    return 0;
  }

  private Path folder() {
    boolean whole = Files.isDirectory(model) || ModelDirectory.isGguf(model);
    Path folder = whole ? model : model.toAbsolutePath().getParent();
    if (folder == null) {
      throw wrong("MODEL has no directory");
    }
    return folder;
  }

  /**
   * Replays a trace.
   *
   * @param maxBatchedTokens most tokens in a step; 0 for the engine's choice
   */
  private Replay replay(Machine planned, Trace trace, int maxBatchedTokens) {
    if (machine.devices() > 1) {
      throw new PlanException("--replay is for one GPU: the engine does not divide a model yet");
    }
    EngineOptions options =
        EngineOptions.builder()
            .dummyWeights(true)
            .maxBatchedTokens(maxBatchedTokens)
            .hostBytes(hostBytes())
            .build();
    PrintWriter err = spec.commandLine().getErr();
    int count = trace.requests().size();
    long began = System.nanoTime();
    Replay result =
        TraceReplay.run(
            folder(),
            planned,
            options,
            trace,
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
    return Checked.hostBytes(spec.commandLine(), hostGib);
  }

  private ParameterException wrong(String message) {
    CommandLine command = spec.commandLine();
    return new ParameterException(command, message);
  }
}
