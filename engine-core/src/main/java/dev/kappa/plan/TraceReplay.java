package dev.kappa.plan;

import dev.kappa.device.Clock;
import dev.kappa.device.virtual.VirtualDevice;
import dev.kappa.device.virtual.VirtualOptions;
import dev.kappa.engine.Engine;
import dev.kappa.engine.EngineOptions;
import dev.kappa.model.ModelShapes;
import dev.kappa.roofline.Machine;
import dev.kappa.text.NumericTokenizer;
import java.nio.file.Path;
import java.util.concurrent.locks.LockSupport;
import java.util.function.IntConsumer;

/**
 * Lets the real engine serve a trace: in virtual time on a {@link VirtualDevice}, with its
 * scheduler, its KV blocks and its transfers, and kernels and copies that take what a machine is
 * said to take; or as it is, to compare.
 */
public final class TraceReplay {

  /** For batches and logits, beside KV. */
  private static final long OTHER_HOST_BYTES = 4L << 30;

  private TraceReplay() {}

  /**
   * Replays a trace to its end in virtual time.
   *
   * @param model a model's folder; only its {@code config.json} is needed
   * @param options how the engine runs; whether its weights are dummies does not matter
   * @param progress is told how many requests have ended, whenever one has
   * @throws dev.kappa.model.ModelException if the engine cannot run the model
   * @throws dev.kappa.engine.EngineException if the model does not fit the machine
   */
  public static Replay run(
      Path model, Machine machine, EngineOptions options, Trace trace, IntConsumer progress) {
    VirtualOptions memory =
        VirtualOptions.defaults()
            .withDeviceBytes(machine.deviceBytes())
            .withHostBytes(Math.max(0, options.hostBytes()) + OTHER_HOST_BYTES);
    int vocabulary = ModelShapes.read(model).shape().vocabulary();
    try (VirtualDevice device = new VirtualDevice(machine.kernels(), memory, options.seed());
        Engine engine =
            Engine.builder(model)
                .options(options)
                .tokenizer(new NumericTokenizer(vocabulary))
                .start(device)) {
      TracePlayer player = new TracePlayer(trace, engine, device.clock(), progress);
      for (int i = 0; i < player.requests(); i++) {
        int number = i;
        device.at(player.arrivalNanos(number), () -> player.submit(number));
      }
      device.run();
      return player.result();
    }
  }

  /**
   * Has a running engine serve a trace as it arrives; takes as long as the trace does.
   *
   * @param clock of the engine's device, which is to be a real one
   * @param progress as above, called on the engine's thread
   * @throws InterruptedException if the caller is interrupted; requests may be in work then
   */
  public static Replay live(Engine engine, Clock clock, Trace trace, IntConsumer progress)
      throws InterruptedException {
    TracePlayer player = new TracePlayer(trace, engine, clock, progress);
    for (int i = 0; i < player.requests(); i++) {
      long due = player.arrivalNanos(i);
      for (long left = due - clock.nanos(); left > 0; left = due - clock.nanos()) {
        LockSupport.parkNanos(engine, left);
        if (Thread.interrupted()) {
          throw new InterruptedException();
        }
      }
      player.submit(i);
    }
    player.await();
    return player.result();
  }
}
