package dev.kappa.server;

import dev.kappa.server.backend.QueueLimit;
import dev.kappa.server.backend.ServedModel;
import dev.kappa.server.http.HttpListener;
import dev.kappa.server.http.Router;
import dev.kappa.server.metrics.MetricsEndpoint;
import dev.kappa.server.metrics.ServerMetrics;
import dev.kappa.server.openai.ChatEndpoint;
import dev.kappa.server.openai.CompletionsEndpoint;
import dev.kappa.server.openai.GrammarCache;
import dev.kappa.server.openai.ModelsEndpoint;
import dev.kappa.server.openai.Serving;
import dev.kappa.server.openai.TokenizeEndpoints;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/** Serves one model over HTTP until it is closed. The backend stays its owner's to close. */
public final class KappaServer implements AutoCloseable {

  private final ServerOptions options;
  private final ExecutorService workers;
  private final HttpListener listener;

  private KappaServer(ServerOptions options, ExecutorService workers, HttpListener listener) {
    this.options = options;
    this.workers = workers;
    this.listener = listener;
  }

  /**
   * Starts to serve.
   *
   * @throws IOException if the address cannot be listened on
   */
  public static KappaServer start(ServedModel model, ServerOptions options) throws IOException {
    // Tokenizing and rendering only; few threads, since the CPU may be the device as well.
    int threads = Math.clamp(Runtime.getRuntime().availableProcessors() / 4, 2, 8);
    ExecutorService workers =
        Executors.newFixedThreadPool(
            threads, Thread.ofPlatform().name("kappa-http-worker-", 0).daemon().factory());
    try {
      HttpListener listener =
          new HttpListener(
              options.address(),
              routes(new Router(workers, options.apiKey()), model, options),
              options.limits());
      return new KappaServer(options, workers, listener);
    } catch (IOException e) {
      workers.shutdown();
      throw e;
    }
  }

  private static Router routes(Router router, ServedModel model, ServerOptions options) {
    ServerMetrics metrics = new ServerMetrics(model);
    QueueLimit queue = new QueueLimit(model.backend(), options.maxQueuedRequests());
    Serving serving = new Serving(model, metrics, queue, new GrammarCache(model.backend()));
    CacheEndpoints cache = new CacheEndpoints(model.backend());
    ModelsEndpoint models = new ModelsEndpoint(model);
    TokenizeEndpoints tokenize = new TokenizeEndpoints(model);
    StatusEndpoints status = new StatusEndpoints(model.backend());
    return router
        .postOnWorker("/v1/completions", new CompletionsEndpoint(serving))
        .postOnWorker("/v1/chat/completions", new ChatEndpoint(serving))
        .postOnWorker("/tokenize", tokenize::tokenize)
        .postOnWorker("/detokenize", tokenize::detokenize)
        .get(ModelsEndpoint.PATH, models)
        .get(ModelsEndpoint.PATH + "/", models)
        .get(CacheEndpoints.PATH, cache::show)
        .delete(CacheEndpoints.PATH, cache::clear)
        .get("/health", status::health)
        .get("/ping", status::health)
        .post("/ping", status::health)
        .get("/load", status::load)
        .get("/version", status::version)
        .get("/metrics", new MetricsEndpoint(metrics::scrape))
        .get("/metrics/vllm", new MetricsEndpoint(metrics::scrapeVllm));
  }

  public int port() {
    return listener.port();
  }

  /** Where clients reach it, for example {@code http://127.0.0.1:8000}. */
  public String url() {
    String host = options.host().contains(":") ? "[" + options.host() + "]" : options.host();
    return "http://" + host + ":" + listener.port();
  }

  /** Requests being answered. */
  public int inFlight() {
    return listener.inFlight();
  }

  /**
   * Takes no more requests, lets those in flight finish for a while, then ends them with an error.
   */
  public void close(Duration grace) {
    listener.close(grace);
    workers.shutdown();
  }

  @Override
  public void close() {
    close(Duration.ZERO);
  }
}
