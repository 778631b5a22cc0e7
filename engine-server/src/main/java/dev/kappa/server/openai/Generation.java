package dev.kappa.server.openai;

import dev.kappa.engine.EngineException;
import dev.kappa.engine.Finish;
import dev.kappa.engine.GenerationRequest;
import dev.kappa.engine.OutputListener.Delta;
import dev.kappa.engine.RequestHandle;
import dev.kappa.sample.TokenLogprob;
import dev.kappa.server.http.ApiError;
import dev.kappa.server.http.Exchange;
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
  private final Serving serving;
  private final StreamFields stream;
  private final OutputFields output;
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
      Serving serving,
      StreamFields stream,
      OutputFields output,
      ResponseFormat format,
      List<GenerationRequest> requests) {
    this.exchange = exchange;
    this.serving = serving;
    this.stream = stream;
    this.output = output;
    this.format = format;
    this.requests = requests;
    this.log = new RequestLog(exchange);
    for (int i = 0; i < requests.size(); i++) {
      choices.add(new Choice(i));
    }
    open = requests.size();
  }

  /** Submits all prompts, of which one has a place in the queue. On a worker thread. */
  void start() {
    exchange.onAbandoned(this::clientLeft);
    if (stream.stream()) {
      exchange.expectEvents();
    }
    try {
      submitAll();
    } catch (EngineException e) {
      exchange.execute(() -> fail(EngineErrors.toApi(e)));
    }
  }

  private void submitAll() {
    serving.queue().enterToo(requests.size() - 1);
    int submitted = 0;
    try {
      for (; submitted < requests.size(); submitted++) {
        ChoiceListener listener = new ChoiceListener(this, exchange, submitted);
        RequestHandle handle = serving.model().backend().submit(requests.get(submitted), listener);
        exchange.execute(() -> add(handle));
      }
    } finally {
      serving.queue().leave(requests.size() - submitted);
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
    serving.metrics().finished(finish, nanos - exchange.call().arrivedNanos());
    Choice choice = choices.get(index);
    choice.finish(finish);
    ended();
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
    serving.metrics().failed();
    ended();
    fail(EngineErrors.toApi(error));
  }

  private void ended() {
    open--;
    serving.queue().leave(1);
  }

  private void recordTokens(Choice choice, int tokens, long nanos) {
    if (tokens == 0) {
      return;
    }
    long before = choice.lastNanos();
    if (before == 0) {
      long sinceArrival = nanos - exchange.call().arrivedNanos();
      serving.metrics().firstToken(sinceArrival);
      log.firstToken(sinceArrival);
    } else {
      serving.metrics().laterTokens(nanos - before, tokens);
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
    List<@Nullable Finish> accounts = new ArrayList<>();
    if (output.account()) {
      choices.forEach(choice -> accounts.add(choice.finish()));
    }
    if (stream.stream()) {
      if (stream.includeUsage() || output.account()) {
        exchange.event(
            format.lastChunk(new Ending(stream.includeUsage() ? usage : null, accounts)));
      }
      exchange.endEvents();
    } else {
      List<Part> parts = choices.stream().map(choice -> choice.take(true)).toList();
      exchange.respond(200, format.whole(parts, new Ending(usage, accounts)));
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
