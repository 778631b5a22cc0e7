package dev.kappa.server.http;

import java.lang.System.Logger.Level;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import org.jspecify.annotations.Nullable;

/**
 * Finds the endpoint for a path and method and guards it. Endpoints that may take long run on the
 * workers, the others on the event loop. Thread-safe once built.
 */
public final class Router {

  private static final System.Logger LOG = System.getLogger(Router.class.getName());

  private record Route(Endpoint endpoint, boolean onWorker) {}

  private final Executor workers;
  private final byte @Nullable [] apiKey;
  private final Map<String, Map<String, Route>> exact = new LinkedHashMap<>();
  private final Map<String, Map<String, Route>> prefixes = new LinkedHashMap<>();

  /**
   * @param apiKey what clients must bring to paths under {@code /v1/} and to tokenize; null lets
   *     everyone in
   */
  public Router(Executor workers, @Nullable String apiKey) {
    this.workers = workers;
    this.apiKey = apiKey == null ? null : apiKey.getBytes(StandardCharsets.UTF_8);
  }

  /** Answers a path's GET (and HEAD) on the event loop; a path ending in {@code /} is a prefix. */
  public Router get(String path, Endpoint endpoint) {
    put("GET", path, new Route(endpoint, false));
    put("HEAD", path, new Route(endpoint, false));
    return this;
  }

  /** Answers a path's POST on the event loop. */
  public Router post(String path, Endpoint endpoint) {
    put("POST", path, new Route(endpoint, false));
    return this;
  }

  /** Answers a path's DELETE on the event loop. */
  public Router delete(String path, Endpoint endpoint) {
    put("DELETE", path, new Route(endpoint, false));
    return this;
  }

  /** Answers a path's POST on a worker. */
  public Router postOnWorker(String path, Endpoint endpoint) {
    put("POST", path, new Route(endpoint, true));
    return this;
  }

  private void put(String method, String path, Route route) {
    Map<String, Map<String, Route>> paths = path.endsWith("/") ? prefixes : exact;
    paths.computeIfAbsent(path, p -> new LinkedHashMap<>()).put(method, route);
  }

  /** Answers a request. On the event loop. */
  void route(Exchange exchange) {
    HttpCall call = exchange.call();
    Map<String, Route> methods = find(call.path());
    if (methods == null) {
      exchange.fail(ApiError.invalid(404, "there is nothing at " + call.path()));
      return;
    }
    Route route = methods.get(call.method());
    if (route == null) {
      ApiError error = ApiError.invalid(405, call.path() + " does not answer " + call.method());
      String allowed = String.join(", ", new ArrayList<>(methods.keySet()));
      exchange.respond(405, "application/json", error.toJson(), Map.of("Allow", allowed));
      return;
    }
    if (needsKey(call.path()) && !authorized(call)) {
      exchange.fail(ApiError.unauthorized());
      return;
    }
    if (!route.onWorker()) {
      run(route.endpoint(), exchange);
      return;
    }
    try {
      workers.execute(() -> run(route.endpoint(), exchange));
    } catch (RejectedExecutionException e) {
      exchange.fail(ApiError.unavailable("the server is shutting down"));
    }
  }

  private @Nullable Map<String, Route> find(String path) {
    Map<String, Route> found = exact.get(path);
    if (found != null) {
      return found;
    }
    List<String> matching =
        prefixes.keySet().stream()
            .filter(prefix -> path.startsWith(prefix) && path.length() > prefix.length())
            .toList();
    return matching.isEmpty() ? null : prefixes.get(matching.getFirst());
  }

  /** What makes the server work; its state is for everyone. */
  private static boolean needsKey(String path) {
    return path.startsWith("/v1/") || path.equals("/tokenize") || path.equals("/detokenize");
  }

  private boolean authorized(HttpCall call) {
    byte[] key = apiKey;
    if (key == null) {
      return true;
    }
    String header = call.headers().get("Authorization");
    if (header == null || !header.regionMatches(true, 0, "Bearer ", 0, 7)) {
      return false;
    }
    byte[] given = header.substring(7).strip().getBytes(StandardCharsets.UTF_8);
    return MessageDigest.isEqual(key, given);
  }

  private static void run(Endpoint endpoint, Exchange exchange) {
    boolean finished = false;
    try {
      endpoint.handle(exchange);
      finished = true;
    } catch (ApiException e) {
      finished = true;
      exchange.fail(e.error());
    } catch (RuntimeException e) {
      LOG.log(Level.ERROR, "request " + exchange.id() + " failed", e);
    } finally {
      // Errors of the JVM go on up, but the client gets its answer first.
      if (!finished) {
        exchange.fail(ApiError.internal("the server failed; its log says why"));
      }
    }
  }
}
