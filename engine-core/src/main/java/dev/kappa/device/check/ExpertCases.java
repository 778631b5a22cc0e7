package dev.kappa.device.check;

import dev.kappa.device.Activation;
import dev.kappa.device.DType;
import dev.kappa.device.DeviceMemory;
import dev.kappa.device.Experts;
import dev.kappa.device.Router;
import dev.kappa.device.check.KernelCase.Kind;
import dev.kappa.device.check.KernelCase.Output;
import dev.kappa.device.check.KernelCase.Prepared;
import dev.kappa.device.check.KernelCase.Work;
import java.lang.foreign.MemorySegment;
import java.util.List;

/** Mixtures of experts. */
final class ExpertCases {

  /** Of probabilities, which are not rounded to eight bits. */
  private static final double FLOATS = 0x1p-12;

  private ExpertCases() {}

  /** Scores of which many are equal. */
  static KernelCase route(Inputs in, int rows, Router router) {
    float[] scores = in.floats(rows * router.experts(), 4f);
    int choices = rows * router.perToken();
    return new KernelCase(
        "route",
        "%d rows to %d of %d".formatted(rows, router.perToken(), router.experts()),
        FLOATS,
        Work.bytes(4L * scores.length),
        side -> {
          DeviceMemory from = side.upload(scores, DType.F32);
          DeviceMemory out = side.poisoned(router.choiceBytes(rows));
          DeviceMemory weights = out.slice(4, out.bytes() - 4);
          return new Prepared(
              () -> side.kernels().route(side.stream, from, rows, router, out),
              List.of(
                  new Output(out, Kind.INTEGER, 2 * choices, 2, 1),
                  new Output(weights, Kind.FLOAT, 2 * choices - 1, 2, 1)));
        });
  }

  /** Two products and a gate in between, each rounded, and a sum of them. */
  static KernelCase experts(Inputs in, int rows, Router router, int hidden, int intermediate) {
    int experts = router.experts();
    float[] chosen = choices(in, rows, router);
    float[] values = in.floats(rows * hidden, 1f);
    MemorySegment gateUps = in.matrix(experts * 2 * intermediate, hidden);
    MemorySegment downs = in.matrix(experts * hidden, intermediate);
    return new KernelCase(
        "experts",
        "%d rows to %d of %d, %d of %d"
            .formatted(rows, router.perToken(), experts, intermediate, hidden),
        8 * KernelCase.ROUNDING,
        Work.flops(6L * rows * router.perToken() * hidden * intermediate),
        side -> {
          Experts args =
              new Experts(
                  router,
                  side.weights(gateUps, experts, hidden),
                  side.weights(downs, experts, intermediate),
                  Activation.SILU);
          DeviceMemory from = side.activations(values);
          DeviceMemory choices = side.upload(chosen, DType.F32);
          DeviceMemory scratch =
              side.poisoned(side.kernels().expertScratchBytes(router, hidden, intermediate, rows));
          DeviceMemory out = side.room((long) rows * hidden);
          return new Prepared(
              () -> side.kernels().experts(side.stream, from, rows, args, choices, scratch, out),
              List.of(new Output(out, Kind.ACTIVATION, rows * hidden)));
        });
  }

  /** Choices as {@code route} writes them: of each row, experts that follow one another. */
  private static float[] choices(Inputs in, int rows, Router router) {
    float[] choices = in.floats(2 * rows * router.perToken(), 1f);
    for (int row = 0; row < rows; row++) {
      int first = in.random.nextInt(router.experts());
      for (int slot = 0; slot < router.perToken(); slot++) {
        int expert = (first + slot) % router.experts();
        choices[2 * (row * router.perToken() + slot)] = Float.intBitsToFloat(expert);
      }
    }
    return choices;
  }
}
