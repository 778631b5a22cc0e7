package dev.kappa.schedule;

/**
 * How far back new tokens look, over all layers: a share of them sees no more than a window.
 *
 * @param window tokens that these layers see, a row's own included
 * @param share of the layers that have a window, 0 to 1
 */
public record Reach(int window, double share) {

  /** All layers see everything. */
  public static final Reach ALL = new Reach(Integer.MAX_VALUE, 0);

  /** Pairs of one of so many new tokens and one that it sees, in the mean of all layers. */
  double pairs(int start, int count) {
    double all = sum((double) start + count) - sum(start);
    return share == 0 ? all : (1 - share) * all + share * (within(start + count) - within(start));
  }

  /** Tokens of a context that some of its last rows see, in the mean of all layers. */
  double context(int start, int count) {
    double seen = Math.min((double) start + count, (double) window + count - 1);
    return (1 - share) * (start + count) + share * seen;
  }

  /** What the tokens before a position see. */
  private static double sum(double position) {
    return position * (position + 1) / 2;
  }

  /** The same within the window. */
  private double within(int position) {
    double full = Math.min(position, window);
    return sum(full) + (position - full) * window;
  }
}
