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
import java.util.BitSet;
import java.util.Comparator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One API request while the engine works on it: submits its prompts, turns their output into the
 * answer, and cancels them when the client leaves. Everything but {@link #start} happens on the
 * connection's event loop.
 *
 * <p>Of several choices from one prompt the first goes ahead; the others follow with its first
 * output, when the prompt's KV can be found in the cache.
 */
final class Generation {

  private final Exchange exchange;
  private final Serving serving;
  private final StreamFields stream;
  private final OutputFields output;
  private final ResponseFormat format;
  private final ChoiceCounts counts;
  private final List<GenerationRequest> requests;
  private final List<Choice> choices = new ArrayList<>();
  private final List<RequestHandle> handles = new ArrayList<>();
  private final RequestLog log;
  private final BitSet followed = new BitSet();
  private int open;
  private boolean over;
  private boolean cancelled;

  /**
   * @param requests for each prompt as many as choices are generated
   */
  Generation(
      Exchange exchange,
      Serving serving,
      StreamFields stream,
      OutputFields output,
      ResponseFormat format,
      ChoiceCounts counts,
      List<GenerationRequest> requests) {
    this.exchange = exchange;
    this.serving = serving;
    this.stream = stream;
    this.output = output;
    this.format = format;
    this.counts = counts;
    this.requests = requests;
    this.log = new RequestLog(exchange);
    for (int i = 0; i < requests.size(); i++) {
      choices.add(new Choice(i));
    }
    open = requests.size();
  }

  /** Submits all prompts, of which one has a place in the queue. On a worker thread. */
  void start() {
    serving.metrics().requested(counts.returned(), requests.getFirst().sampling().maxTokens());
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
      for (; submitted < prompts(); submitted++) {
        submit(submitted * counts.generated());
      }
    } finally {
      serving.queue().leave(prompts() - submitted);
    }
  }

  private int prompts() {
    return requests.size() / counts.generated();
  }

  private void submit(int index) {
    ChoiceListener listener = new ChoiceListener(this, exchange, index);
    RequestHandle handle = serving.model().backend().submit(requests.get(index), listener);
    exchange.execute(() -> add(handle));
  }

  /** Submits the other choices of a choice's prompt, the first time it is called. */
  private void follow(int index) {
    int prompt = index / counts.generated();
    if (over || followed.get(prompt)) {
      return;
    }
    followed.set(prompt);
    int next = prompt * counts.generated() + 1;
    int end = next + counts.generated() - 1;
    try {
      for (; next < end; next++) {
        submit(next);
      }
    } catch (EngineException e) {
      fail(EngineErrors.toApi(e));
    } finally {
      serving.queue().leave(end - next);
    }
  }

  private void add(RequestHandle handle) {
    handles.add(handle);
    if (cancelled) {
      handle.cancel();
    }
  }

  void promptLogprobs(int index, List<TokenLogprob> logprobs) {
    format.promptLogprobs(index / counts.generated(), logprobs);
  }

  void delta(int index, Delta delta, long nanos) {
    Choice choice = choices.get(index);
    recordTokens(choice, delta.tokens().length, nanos);
    choice.append(delta);
    follow(index);
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
    follow(index);
    if (stream.stream()) {
      sendPending(choice);
      send(format.chunk(choice.take(true), runningUsage()));
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
      send(format.opening(choice.index()));
    }
    if (choice.hasText() || (choice.hasTokens() && format.sendsTokens())) {
      send(format.chunk(choice.take(false), runningUsage()));
    }
  }

  private void send(byte @Nullable [] chunk) {
    if (chunk != null) {
      exchange.event(chunk);
    }
  }

  private void complete() {
    Finish.Usage usage = usage();
    over = true;
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
      exchange.respond(200, format.whole(parts(), new Ending(usage, accounts)));
    }
    log.finished(choices, usage);
  }

  /** The choices of the answer: of each prompt the best, the likeliest per token first. */
  private List<Part> parts() {
    List<Part> parts = new ArrayList<>();
    for (int prompt = 0; prompt < prompts(); prompt++) {
      int first = prompt * counts.generated();
      List<Choice> own = new ArrayList<>(choices.subList(first, first + counts.generated()));
      if (counts.compared()) {
        own.sort(Comparator.comparingDouble(Choice::meanLogprob).reversed());
      }
      for (Choice choice : own.subList(0, counts.returned())) {
        parts.add(choice.take(parts.size(), true));
      }
    }
    return parts;
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
    int unfollowed = prompts() - followed.cardinality();
    serving.queue().leave(unfollowed * (counts.generated() - 1));
    handles.forEach(RequestHandle::cancel);
  }

  /** A prompt counts once, however many choices it has. */
  private Finish.Usage usage() {
    int prompt = 0;
    int completion = 0;
    int cached = 0;
    int host = 0;
    for (Choice choice : choices) {
      Finish finish = choice.finish();
      if (finish == null) {
        continue;
      }
      completion += finish.usage().completionTokens();
      if (choice.index() % counts.generated() == 0) {
        prompt += finish.usage().promptTokens();
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
    int prompt = 0;
    for (int first = 0; first < requests.size(); first += counts.generated()) {
      prompt += requests.get(first).prompt().length;
    }
    int completion = choices.stream().mapToInt(Choice::tokensSoFar).sum();
    return new Finish.Usage(prompt, completion, 0, 0);
  }
}
