package dev.kappa.text.jinja;

/**
 * Bounds the work of one rendering, so that a hostile template ends in an error: each node
 * evaluated costs ten, each character gone through or made costs one, and each list item made costs
 * twenty. Strings and lists are paid for before they are made, which bounds memory as well.
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

  /** For list items or mapping entries, which take about twenty times a character's memory. */
  void chargeItems(long count) {
    charge(count, 20);
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
