package dev.kappa.server.openai;

import dev.kappa.server.backend.QueueLimit;
import dev.kappa.server.backend.ServedModel;
import dev.kappa.server.http.ApiError;
import dev.kappa.server.http.ApiException;
import dev.kappa.server.metrics.ServerMetrics;
import java.util.function.Supplier;

/**
 * What requests for output are served with.
 *
 * @param queue bounds how many of them wait
 * @param grammars what outputs must be, where requests say
 */
public record Serving(
    ServedModel model, ServerMetrics metrics, QueueLimit queue, GrammarCache grammars) {

  /**
   * Reads a request and starts it, unless too many wait: finding that out must cost less than
   * reading.
   *
   * @throws ApiException if too many do
   */
  void admit(Supplier<Generation> reader) {
    if (!queue.tryEnter()) {
      throw new ApiException(ApiError.queueFull(queue.limit()));
    }
    boolean read = false;
    try {
      Generation generation = reader.get();
      read = true;
      generation.start();
    } finally {
      if (!read) {
        queue.leave(1);
      }
    }
  }
}
