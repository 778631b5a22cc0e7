package dev.kappa.bench;

import dev.kappa.cli.Checked;
import dev.kappa.device.Device;
import dev.kappa.device.Devices;
import dev.kappa.plan.Replay;
import dev.kappa.roofline.MeasuredRates;
import java.io.PrintStream;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.function.ToDoubleFunction;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code kappa bench prediction}: see {@link Prediction}. */
@Command(
    name = "prediction",
    description =
        "Times that a replay in virtual time predicts for requests about documents, after measuring"
            + " this machine, and those that the engine then takes.",
    mixinStandardHelpOptions = true)
final class PredictionCommand implements Callable<Integer> {

  private static final int MOST_DOCUMENTS = 1 << 16;

  @SuppressWarnings("NullAway.Init") // set by picocli
  @Spec
  private CommandSpec spec;

  @Mixin private BenchFlags flags = new BenchFlags();

  @Option(
      names = "--documents",
      paramLabel = "COUNT",
      description = "Documents, a third of which fit on the device (default: 9).")
  private int documents = 9;

  @Option(
      names = "--requests",
      paramLabel = "COUNT",
      description = "Requests of each round (default: 200).")
  private int requests = 200;

  @Option(
      names = "--rounds",
      paramLabel = "COUNT",
      description = "Repetitions with other documents; medians count (default: 5).")
  private int rounds = 5;

  @Option(
      names = "--use",
      paramLabel = "SHARE",
      description =
          "How busy requests keep the machine if they are served one after the other, above 0 and"
              + " at most 1 (default: 0.3).")
  private double use = 0.3;

  @Override
  public Integer call() throws InterruptedException {
    check();
    Prediction.Settings settings =
        new Prediction.Settings(
            flags.model(),
            documents,
            requests,
            rounds,
            use,
            flags.maxBatchedTokens(),
            flags.dummyWeights(),
            flags.seed(),
            flags.traceOut());
    Machine machine = Machine.here();
    Devices.Choice choice = flags.device().open();
    try (Device device = choice.device()) {
      Prediction.Result result =
          new Prediction(settings, device).run(message -> System.err.println(message));
      System.out.printf("# %s%n", machine);
      System.out.printf(
          "# %s on %s; %d rounds of %d requests about %d documents%n",
          flags.model(), choice.reason(), settings.rounds(), requests, documents);
      print(result, System.out);
    }
    return 0;
  }

  private void check() {
    CommandLine command = spec.commandLine();
    flags.check();
    Checked.between(command, "--documents", documents, 1, MOST_DOCUMENTS);
    Checked.between(command, "--requests", requests, 1, Integer.MAX_VALUE);
    Checked.between(command, "--rounds", rounds, 1, Integer.MAX_VALUE);
    Checked.share(command, "--use", use);
  }

  static void print(Prediction.Result result, PrintStream out) {
    MeasuredRates rates = result.measured().rates();
    out.printf(
        Locale.ROOT,
        "# measured: token %.2f us, pair %.3f ns, weights %.3f ms, step %.3f ms, link %.3f GB/s%n",
        rates.tokenNanos() / 1e3,
        rates.pairNanos(),
        rates.weightsNanos() / 1e6,
        rates.fixedNanos() / 1e6,
        rates.loadBytesPerSecond() / 1e9);
    for (Prediction.Round round : result.rounds()) {
      out.printf(
          Locale.ROOT, "%.2f requests/s         predicted      found  ratio%n", round.rate());
      line(out, "first token p50, ms", round, replay -> replay.firstTokenMillis().p50());
      line(out, "first token mean, ms", round, replay -> replay.firstTokenMillis().mean());
      line(out, "first token p90, ms", round, replay -> replay.firstTokenMillis().p90());
      line(out, "per token p50, ms", round, replay -> replay.perTokenMillis().p50());
      line(out, "load p50, ms", round, replay -> replay.loadMillis().p50());
      line(out, "cached tokens", round, replay -> replay.stats().cachedPromptTokens());
      line(out, "of these from host", round, replay -> replay.stats().hostPromptTokens());
      line(out, "bound by the link", round, Replay::linkBound);
      line(out, "bound by the queue", round, Replay::queueBound);
    }
    out.printf(
        Locale.ROOT,
        "first token p50, found / predicted: %.3f (median of %d rounds)%n",
        result.firstTokenRatio(),
        result.rounds().size());
  }

  private static void line(
      PrintStream out, String what, Prediction.Round round, ToDoubleFunction<Replay> value) {
    double predicted = value.applyAsDouble(round.predicted());
    double found = value.applyAsDouble(round.found());
    out.printf(
        Locale.ROOT, "  %-21s %10.2f %10.2f  %5.3f%n", what, predicted, found, found / predicted);
  }
}
