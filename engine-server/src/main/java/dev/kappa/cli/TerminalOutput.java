package dev.kappa.cli;

import dev.kappa.engine.EngineException;
import dev.kappa.engine.Finish;
import dev.kappa.engine.OutputListener;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;

/** Writes output as it comes and a line of figures at the end. */
final class TerminalOutput implements OutputListener {

  private final PrintStream out;
  private final PrintStream err;
  private final CountDownLatch ended = new CountDownLatch(1);
  private volatile @Nullable EngineException failure;

  TerminalOutput(PrintStream out, PrintStream err) {
    this.out = out;
    this.err = err;
  }

  @Override
  public void onDelta(Delta delta) {
    byte[] text = delta.text().getBytes(StandardCharsets.UTF_8);
    out.write(text, 0, text.length);
    out.flush();
  }

  @Override
  public void onFinish(Finish finish) {
    out.println();
    out.flush();
    err.println(figures(finish));
    ended.countDown();
  }

  @Override
  public void onError(EngineException error) {
    failure = error;
    ended.countDown();
  }

  /**
   * Waits for the end.
   *
   * @throws EngineException if the engine failed
   */
  void await() throws InterruptedException {
    ended.await();
    EngineException e = failure;
    if (e != null) {
      throw e;
    }
  }

  static String figures(Finish finish) {
    Finish.Usage usage = finish.usage();
    Finish.Timings timings = finish.timings();
    double decodeSeconds = (timings.total() - timings.firstToken()) / 1e9;
    String rate =
        usage.completionTokens() > 1 && decodeSeconds > 0
            ? String.format(
                Locale.ROOT, ", then %.1f tokens/s", (usage.completionTokens() - 1) / decodeSeconds)
            : "";
    return String.format(
        Locale.ROOT,
        "[%s; prompt %d tokens, %d cached; generated %d; first token %.2f s%s]",
        finish.reason().name().toLowerCase(Locale.ROOT),
        usage.promptTokens(),
        usage.cachedTokens(),
        usage.completionTokens(),
        timings.firstToken() / 1e9,
        rate);
  }
}
