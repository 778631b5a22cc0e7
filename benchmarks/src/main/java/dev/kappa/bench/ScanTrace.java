package dev.kappa.bench;

import dev.kappa.plan.Trace;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/**
 * A made-up trace in which half of the requests ask about one of many documents, popular by Zipf's
 * law, and the other half bring a longer text that nobody asks for again.
 */
final class ScanTrace {

  private static final int DOCUMENTS = 2000;
  private static final int DOCUMENT_BLOCKS = 16;
  private static final int SCAN_BLOCKS = 32;
  private static final double EXPONENT = 0.9;
  private static final int QUESTION_TOKENS = 64;
  private static final int ANSWER_TOKENS = 16;
  private static final double GAP_MILLIS = 1000;

  private ScanTrace() {}

  static Trace of(int requests, long seed) {
    Random random = new Random(seed);
    double[] shares = shares();
    List<Trace.Request> made = new ArrayList<>();
    int blocks = DOCUMENTS * DOCUMENT_BLOCKS;
    for (int i = 0; i < requests; i++) {
      boolean scans = random.nextBoolean();
      int count = scans ? SCAN_BLOCKS : DOCUMENT_BLOCKS;
      int first = scans ? blocks : document(shares, random.nextDouble()) * DOCUMENT_BLOCKS;
      blocks += scans ? SCAN_BLOCKS : 0;
      int[] numbers = new int[count];
      for (int b = 0; b < count; b++) {
        numbers[b] = first + b;
      }
      int tokens = count * Trace.BLOCK + QUESTION_TOKENS;
      made.add(new Trace.Request(i * GAP_MILLIS, tokens, ANSWER_TOKENS, numbers));
    }
    return new Trace(made, blocks);
  }

  /** For each document how likely it or a more popular one is asked about. */
  private static double[] shares() {
    double[] shares = new double[DOCUMENTS];
    double sum = 0;
    for (int i = 0; i < DOCUMENTS; i++) {
      sum += Math.pow(i + 1, -EXPONENT);
      shares[i] = sum;
    }
    for (int i = 0; i < DOCUMENTS; i++) {
      shares[i] /= sum;
    }
    return shares;
  }

  private static int document(double[] shares, double drawn) {
    int document = 0;
    while (document < DOCUMENTS - 1 && shares[document] < drawn) {
      document++;
    }
    return document;
  }
}
