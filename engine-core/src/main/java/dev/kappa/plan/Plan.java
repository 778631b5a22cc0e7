package dev.kappa.plan;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What to expect. Times are milliseconds, rates per second, sizes bytes.
 *
 * @param model the model's name
 * @param parameters all of them
 * @param activeParameters those that one token needs
 * @param machine the machine's name
 * @param devices how many of them share the model
 * @param flopsPerSecond achieved by each
 * @param linkBytesPerSecond achieved to each
 * @param source where these rates come from
 * @param tiers where KV can be
 * @param critical κ_crit by length of context
 * @param criticalWithoutAttention κ_crit if attention took no time
 * @param criticalAtContext κ_crit for {@code context}
 * @param context length of context that other figures of κ_crit are for: of all requests, or of the
 *     median one
 * @param prefixes κ of the workload's requests, by what is cached where; one for equal requests
 * @param expected with the given tiers
 * @param changes what else would be expected
 * @param hostSizes what more or less host memory would bring; only of traces
 */
public record Plan(
    String model,
    long parameters,
    long activeParameters,
    String machine,
    int devices,
    double flopsPerSecond,
    double linkBytesPerSecond,
    String source,
    Tiers tiers,
    List<Critical> critical,
    double criticalWithoutAttention,
    double criticalAtContext,
    int context,
    List<Prefixes> prefixes,
    Expectation expected,
    List<Change> changes,
    List<HostSize> hostSizes) {

  public Plan {
    critical = List.copyOf(critical);
    prefixes = List.copyOf(prefixes);
    changes = List.copyOf(changes);
    hostSizes = List.copyOf(hostSizes);
  }

  /**
   * Where KV can be.
   *
   * @param kvBytesPerToken of one token on each device
   * @param weightBytes on all devices
   * @param deviceBytes memory of all devices
   * @param deviceTokens tokens of KV on the device; 0 if the weights leave no room
   * @param hostBytes host memory for KV
   * @param hostTokens tokens that it holds
   */
  public record Tiers(
      double kvBytesPerToken,
      long weightBytes,
      long deviceBytes,
      long deviceTokens,
      long hostBytes,
      long hostTokens) {}

  /** κ_crit of contexts of one length. */
  public record Critical(int context, double kappa) {}

  /**
   * κ over requests.
   *
   * @param cache which caches there are
   * @param cachedShare share of all prompt tokens found there
   * @param kappa tokens that come over the link per token computed
   * @param linkBound share of requests whose load takes longer than their computation
   */
  public record Prefixes(String cache, double cachedShare, Distribution kappa, double linkBound) {}

  /**
   * Something else than was asked for.
   *
   * @param what the difference
   * @param kappaCritical for {@link Plan#context}
   * @param expected with it
   */
  public record Change(String what, double kappaCritical, Expectation expected) {}

  /**
   * An amount of host memory.
   *
   * @param bytes null for all that the trace can use
   * @param tokens that it holds
   * @param expected with it
   */
  public record HostSize(@Nullable Long bytes, long tokens, Expectation expected) {}
}
