package dev.kappa.server.openai;

import dev.kappa.engine.EngineException;
import dev.kappa.engine.Finish;
import dev.kappa.engine.GenerationRequest;
import dev.kappa.engine.OutputListener.Delta;
import dev.kappa.engine.RequestHandle;
import dev.kappa.sample.TokenLogprob;
import dev.kappa.server.backend.ServedModel;
import dev.kappa.server.http.ApiError;
import dev.kappa.server.http.Exchange;
import dev.kappa.server.metrics.ServerMetrics;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One API request while the engine works on it: submits its prompts, turns their output into the
 * answer, and cancels them when the client leaves. Everything but {@link #start} happens on the
 * connection's event loop.
 */
final class Generation {

  private final Exchange exchange;
  private final ServedModel model;
  private final ServerMetrics metrics;
  private final StreamFields stream;
  private final ResponseFormat format;
  private final List<GenerationRequest> requests;
  private final List<Choice> choices = new ArrayList<>();
  private final List<RequestHandle> handles = new ArrayList<>();
  private final RequestLog log;
  private int open;
  private boolean over;
  private boolean cancelled;

  Generation(
      Exchange exchange,
      ServedModel model,
      ServerMetrics metrics,
      StreamFields stream,
      ResponseFormat format,
      List<GenerationRequest> requests) {
    this.exchange = exchange;
    this.model = model;
    this.metrics = metrics;
    this.stream = stream;
    this.format = format;
    this.requests = requests;
    this.log = new RequestLog(exchange);
    for (int i = 0; i < requests.size(); i++) {
      choices.add(new Choice(i));
    }
    open = requests.size();
  }

  /** Submits all prompts. On a worker thread. */
  void start() {
    exchange.onAbandoned(this::clientLeft);
    if (stream.stream()) {
      exchange.expectEvents();
    }
    for (int i = 0; i < requests.size(); i++) {
      ChoiceListener listener = new ChoiceListener(this, exchange, i);
      try {
        RequestHandle handle = model.backend().submit(requests.get(i), listener);
        exchange.execute(() -> add(handle));
      } catch (EngineException e) {
        exchange.execute(() -> fail(EngineErrors.toApi(e)));
        return;
      }
    }
  }

  private void add(RequestHandle handle) {
    handles.add(handle);
    if (cancelled) {
      handle.cancel();
    }
  }

  void promptLogprobs(int index, List<TokenLogprob> logprobs) {
    format.promptLogprobs(index, logprobs);
  }

  void delta(int index, Delta delta, long nanos) {
    Choice choice = choices.get(index);
    recordTokens(choice, delta.tokens().length, nanos);
    choice.append(delta);
    if (stream.stream() && !over) {
      sendPending(choice);
    }
  }

  void finish(int index, Finish finish, long nanos) {
    metrics.finished(finish, nanos - exchange.call().arrivedNanos());
    Choice choice = choices.get(index);
    choice.finish(finish);
    open--;
    if (over) {
      return;
    }
    if (finish.reason() == Finish.Reason.ABORT) {
      fail(ApiError.unavailable("the engine is shutting down"));
      return;
    }
    if (stream.stream()) {
      sendPending(choice);
      exchange.event(format.chunk(choice.take(true), runningUsage()));
    }
    if (open == 0) {
      complete();
    }
  }

  void error(EngineException error) {
    metrics.failed();
    open--;
    fail(EngineErrors.toApi(error));
  }

  private void recordTokens(Choice choice, int tokens, long nanos) {
    if (tokens == 0) {
      return;
    }
    long before = choice.lastNanos();
    if (before == 0) {
      long sinceArrival = nanos - exchange.call().arrivedNanos();
      metrics.firstToken(sinceArrival);
      log.firstToken(sinceArrival);
    } else {
      metrics.laterTokens(nanos - before, tokens);
    }
    choice.lastNanos(nanos);
  }

  private void sendPending(Choice choice) {
    if (choice.open()) {
      byte[] opening = format.opening(choice.index());
      if (opening != null) {
        exchange.event(opening);
      }
    }
    if (choice.hasText() || (choice.hasTokens() && format.sendsTokens())) {
      exchange.event(format.chunk(choice.take(false), runningUsage()));
    }
  }

  private void complete() {
    over = true;
    Finish.Usage usage = usage();
    if (stream.stream()) {
      if (stream.includeUsage()) {
        exchange.event(format.usageChunk(usage));
      }
      exchange.endEvents();
    } else {
      List<Part> parts = choices.stream().map(choice -> choice.take(true)).toList();
      exchange.respond(200, format.whole(parts, usage));
    }
    log.finished(choices, usage);
  }

  private void fail(ApiError error) {
    if (over) {
      return;
    }
    cancelAll();
    exchange.fail(error);
    log.failed(error);
  }

  private void clientLeft() {
    if (over) {
      return;
    }
    cancelAll();
    log.abandoned();
  }

  private void cancelAll() {
    over = true;
    cancelled = true;
    handles.forEach(RequestHandle::cancel);
  }

  private Finish.Usage usage() {
    int prompt = 0;
    int completion = 0;
    int cached = 0;
    int host = 0;
    for (Choice choice : choices) {
      Finish finish = choice.finish();
      if (finish != null) {
        prompt += finish.usage().promptTokens();
        completion += finish.usage().completionTokens();
        cached += finish.usage().cachedTokens();
        host += finish.usage().hostTokens();
      }
    }
    return new Finish.Usage(prompt, completion, cached, host);
  }

  /** Tokens so far. How many were cached is known only at the end. */
  private Finish.@Nullable Usage runningUsage() {
    if (!stream.continuousUsage()) {
      return null;
    }
    int prompt = requests.stream().mapToInt(request -> request.prompt().length).sum();
    int completion = choices.stream().mapToInt(Choice::tokensSoFar).sum();
    return new Finish.Usage(prompt, completion, 0, 0);
  }
}
