package dev.kappa.text.jinja;

/**
 * Bounds the work of one rendering, so that a hostile template ends in an error: each node
 * evaluated costs ten, and each string or list made costs its length, charged before it is made.
 */
final class Budget {

  private final long limit;
  private long used;

  Budget(long limit) {
    this.limit = limit;
  }

  void charge(long work) {
    used += work;
    if (used > limit || work < 0) {
      throw new JinjaException("the template does more than %d steps of work".formatted(limit));
    }
  }

  /** A search takes time in proportion to both lengths at worst. */
  void chargeSearch(String text, String part) {
    charge(text.length());
    charge(text.length(), part.length() / 16);
  }

  void charge(long count, long each) {
    if (count > 0 && each > 0) {
      charge(Math.multiplyHigh(count, each) != 0 ? -1 : count * each);
    }
  }
}
