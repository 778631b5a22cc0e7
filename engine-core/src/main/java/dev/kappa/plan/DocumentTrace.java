package dev.kappa.plan;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/**
 * Makes traces of questions about documents, which come back again and again: what offloading is
 * for, in the small.
 *
 * @param documents how many there are
 * @param fewestBlocks of the shortest document, of {@link Trace#BLOCK} tokens
 * @param mostBlocks of the longest
 * @param mostQuestion tokens of the longest question
 * @param mostOutput tokens of the longest answer
 */
public record DocumentTrace(
    int documents, int fewestBlocks, int mostBlocks, int mostQuestion, int mostOutput) {

  private static final double MILLIS = 1e3;

  public DocumentTrace {
    if (documents < 1
        || fewestBlocks < 1
        || mostBlocks < fewestBlocks
        || mostQuestion < 1
        || mostOutput < 1) {
      throw new PlanException("a trace of documents needs documents, questions and answers");
    }
  }

  /** Tokens of the longest request, its answer included. */
  public int longest() {
    return mostBlocks * Trace.BLOCK + mostQuestion + mostOutput;
  }

  /**
   * Requests that arrive at random, each about one of the documents, all equally likely; sizes of
   * documents, questions and answers are equally likely within their bounds.
   *
   * @param rate requests per second, on average
   * @param seed the same seed gives the same trace
   */
  public Trace of(int requests, double rate, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    List<int[]> blocks = new ArrayList<>();
    int next = 0;
    for (int document = 0; document < documents; document++) {
      int[] own = new int[random.nextInt(fewestBlocks, mostBlocks + 1)];
      for (int i = 0; i < own.length; i++) {
        own[i] = next++;
      }
      blocks.add(own);
    }
    List<Trace.Request> made = new ArrayList<>();
    double arrival = 0;
    for (int i = 0; i < requests; i++) {
      int[] document = blocks.get(random.nextInt(documents));
      int input = document.length * Trace.BLOCK + random.nextInt(1, mostQuestion + 1);
      made.add(new Trace.Request(arrival, input, random.nextInt(1, mostOutput + 1), document));
      arrival += random.nextExponential() / rate * MILLIS;
    }
    return new Trace(made, next);
  }
}
