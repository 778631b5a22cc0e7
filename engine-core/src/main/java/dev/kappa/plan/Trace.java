package dev.kappa.plan;

import java.util.ArrayList;
import java.util.List;

/**
 * Requests as they arrived somewhere, without their text: equal blocks of {@link #BLOCK} tokens
 * have equal numbers, and a block's number stands for all that precedes it, too.
 *
 * @param requests by arrival
 * @param blocks how many different blocks there are; they have the numbers from 0 on
 */
public record Trace(List<Request> requests, int blocks) {

  /** Tokens of a block, as in the traces of Mooncake (FAST '25). */
  public static final int BLOCK = 512;

  private static final double MILLIS = 1e3;

  public Trace {
    requests = List.copyOf(requests);
  }

  /**
   * One request.
   *
   * @param arrivalMillis since the trace began
   * @param inputTokens tokens of its prompt
   * @param outputTokens tokens that were generated for it
   * @param blocks numbers of the prompt's blocks; the last may be partly filled. Not to be changed
   */
  public record Request(double arrivalMillis, int inputTokens, int outputTokens, int[] blocks) {

    /** Tokens in so many leading blocks; one token at least is always computed. */
    int cachedTokens(int leadingBlocks) {
      return (int) Math.min((long) leadingBlocks * BLOCK, inputTokens - 1L);
    }
  }

  /** Its first requests. */
  public Trace first(int count) {
    return new Trace(requests.subList(0, Math.min(count, requests.size())), blocks);
  }

  /**
   * Requests per second, on average from the first to the last; infinite if they all came at once.
   */
  public double rate() {
    double millis = requests.getLast().arrivalMillis - requests.getFirst().arrivalMillis;
    return (requests.size() - 1) / millis * MILLIS;
  }

  /** The same requests at another rate, all gaps stretched alike. */
  public Trace atRate(double requestsPerSecond) {
    double factor = rate() / requestsPerSecond;
    if (!Double.isFinite(factor) || !(factor > 0)) {
      throw new PlanException(
          "a trace of %d requests at %.3g per second cannot be replayed at %.3g per second"
              .formatted(requests.size(), rate(), requestsPerSecond));
    }
    List<Request> stretched = new ArrayList<>(requests.size());
    for (Request request : requests) {
      stretched.add(
          new Request(
              request.arrivalMillis * factor,
              request.inputTokens,
              request.outputTokens,
              request.blocks));
    }
    return new Trace(stretched, blocks);
  }

  /** Tokens of all prompts. */
  public long inputTokens() {
    return requests.stream().mapToLong(Request::inputTokens).sum();
  }
}
