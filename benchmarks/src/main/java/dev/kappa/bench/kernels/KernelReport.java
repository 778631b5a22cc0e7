package dev.kappa.bench.kernels;

import dev.kappa.device.AttentionShape;
import dev.kappa.device.DType;
import dev.kappa.device.Encoding;
import java.util.Collection;
import java.util.Locale;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.infra.BenchmarkParams;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.ChainedOptionsBuilder;
import org.openjdk.jmh.runner.options.CommandLineOptionException;
import org.openjdk.jmh.runner.options.CommandLineOptions;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;

/**
 * Runs the kernel benchmarks and prints each as a fraction of the limits measured beside it, best
 * iteration against best iteration: what else runs on a machine only ever makes it slower. Takes
 * JMH's own arguments, for example {@code -p weights=BF16 -p rows=512}.
 */
public final class KernelReport {

  private static final String LIMITS = LimitsBenchmark.class.getSimpleName();

  private final double flops;
  private final double bytes;

  private KernelReport(Collection<RunResult> results) {
    double perSecond = score(results, "multiplyAdd");
    flops = perSecond * 2.0 * LimitsBenchmark.MULTIPLY_ADDS * LimitsBenchmark.LANES;
    bytes = score(results, "read") * LimitsBenchmark.CHUNK;
  }

  /** Runs the benchmarks. */
  public static void main(String[] args) throws RunnerException, CommandLineOptionException {
    CommandLineOptions arguments = new CommandLineOptions(args);
    ChainedOptionsBuilder options =
        new OptionsBuilder()
            .parent(arguments)
            .mode(Mode.Throughput)
            .include(LIMITS)
            .forks(arguments.getForkCount().orElse(1))
            .warmupIterations(arguments.getWarmupIterations().orElse(3))
            .warmupTime(arguments.getWarmupTime().orElse(TimeValue.seconds(1)))
            .measurementIterations(arguments.getMeasurementIterations().orElse(5))
            .measurementTime(arguments.getMeasurementTime().orElse(TimeValue.seconds(1)))
            .jvmArgsAppend(
                "--add-modules=jdk.incubator.vector", "--enable-native-access=ALL-UNNAMED");
    if (arguments.getIncludes().isEmpty()) {
      options.include(MatmulBenchmark.class.getSimpleName());
      options.include(AttentionBenchmark.class.getSimpleName());
    }
    Collection<RunResult> results = new Runner(options.build()).run();
    KernelReport report = new KernelReport(results);
    report.print("limits: %.0f GF/s, %.1f GB/s read%n", report.flops / 1e9, report.bytes / 1e9);
    results.forEach(report::print);
  }

  private static double score(Collection<RunResult> results, String method) {
    return results.stream()
        .filter(r -> r.getParams().getBenchmark().endsWith(LIMITS + "." + method))
        .mapToDouble(KernelReport::best)
        .findFirst()
        .orElseThrow();
  }

  private static double best(RunResult result) {
    return result.getPrimaryResult().getStatistics().getMax();
  }

  private void print(RunResult result) {
    BenchmarkParams params = result.getParams();
    double perSecond = best(result);
    if (params.getBenchmark().contains(MatmulBenchmark.class.getSimpleName())) {
      printMatmul(params, perSecond);
    } else if (params.getBenchmark().contains(AttentionBenchmark.class.getSimpleName())) {
      printAttention(params, perSecond);
    }
  }

  private void printMatmul(BenchmarkParams params, double perSecond) {
    Encoding weights = Encoding.valueOf(params.getParam("weights"));
    String shape = params.getParam("shape");
    int rows = Integer.parseInt(params.getParam("rows"));
    double elements = (double) MatmulBenchmark.outputs(shape) * MatmulBenchmark.inputs(shape);
    printFractions(
        "matmul %s %d x %s".formatted(weights, rows, shape),
        2 * rows * elements * perSecond,
        weights.bytes((long) elements) * perSecond);
  }

  private void printAttention(BenchmarkParams params, double perSecond) {
    DType dtype = DType.valueOf(params.getParam("dtype"));
    AttentionShape shape = AttentionBenchmark.shape(params.getParam("heads"));
    String span = params.getParam("span");
    double past = AttentionBenchmark.past(span);
    double rows = AttentionBenchmark.rows(span);
    double pairs = rows * past + rows * (rows + 1) / 2;
    double kvBytes = 2.0 * shape.kvHeads() * shape.headDim() * dtype.bytes() * (past + rows);
    printFractions(
        "attention %s %s at %s".formatted(dtype, params.getParam("heads"), span),
        4.0 * shape.heads() * shape.headDim() * pairs * perSecond,
        kvBytes * perSecond);
  }

  private void printFractions(String what, double flopsReached, double bytesReached) {
    print(
        "%-40s %6.1f GF/s = %3.0f %% of multiply-adds, %5.1f GB/s = %3.0f %% of reads%n",
        what,
        flopsReached / 1e9,
        100 * flopsReached / flops,
        bytesReached / 1e9,
        100 * bytesReached / bytes);
  }

  @SuppressWarnings("AnnotateFormatMethod")
  private void print(String format, Object... values) {
    System.out.printf(Locale.ROOT, format, values);
  }
}
