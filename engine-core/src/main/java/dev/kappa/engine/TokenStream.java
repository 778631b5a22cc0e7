package dev.kappa.engine;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import org.jspecify.annotations.Nullable;

/**
 * A running request whose output is taken piece by piece by blocking calls; what is not taken yet
 * waits in memory. One thread reads; {@link #cancel} may come from any.
 */
public final class TokenStream implements RequestHandle {

  private sealed interface Item {}

  private record Piece(OutputListener.Delta delta) implements Item {}

  private record End(Finish finish) implements Item {}

  private record Failure(EngineException error) implements Item {}

  private final BlockingQueue<Item> items = new LinkedBlockingQueue<>();
  private final RequestHandle handle;
  private @Nullable Finish finish;
  private @Nullable EngineException failure;

  private TokenStream(Engine engine, GenerationRequest request) {
    handle = engine.submit(request, new Listener());
  }

  /** Submits a request, see {@link Engine#submit}. */
  static TokenStream open(Engine engine, GenerationRequest request) {
    return new TokenStream(engine, request);
  }

  /**
   * Waits for the next piece of output.
   *
   * @return null at the end; then {@link #finish} tells how it ended
   * @throws EngineException if the request failed
   */
  public OutputListener.@Nullable Delta next() throws InterruptedException {
    if (finish != null) {
      return null;
    }
    if (failure != null) {
      throw failure;
    }
    return switch (items.take()) {
      case Piece piece -> piece.delta();
      case End end -> {
        finish = end.finish();
        yield null;
      }
      case Failure failed -> {
        failure = failed.error();
        throw failed.error();
      }
    };
  }

  /**
   * Waits for the end and returns the text not taken before it.
   *
   * @throws EngineException if the request failed
   */
  public String rest() throws InterruptedException {
    List<String> texts = new ArrayList<>();
    for (OutputListener.Delta delta = next(); delta != null; delta = next()) {
      texts.add(delta.text());
    }
    return String.join("", texts);
  }

  /**
   * How the request ended.
   *
   * @throws IllegalStateException before the end
   */
  public Finish finish() {
    Finish end = finish;
    if (end == null) {
      throw new IllegalStateException("the request has not ended");
    }
    return end;
  }

  @Override
  public String id() {
    return handle.id();
  }

  @Override
  public void cancel() {
    handle.cancel();
  }

  private final class Listener implements OutputListener {
    @Override
    public void onDelta(Delta delta) {
      items.add(new Piece(delta));
    }

    @Override
    public void onFinish(Finish end) {
      items.add(new End(end));
    }

    @Override
    public void onError(EngineException error) {
      items.add(new Failure(error));
    }
  }
}
