package dev.kappa.device.cpu;

/** Independent rows shared among workers, several to a claim. */
final class Rows {

  /** What is done with one row. */
  @FunctionalInterface
  interface Row {
    void run(Scratch scratch, int row);
  }

  private Rows() {}

  /**
   * Runs all rows.
   *
   * @param chunk rows per claim; below one counts as one
   */
  static void run(WorkerPool pool, Scratch scratch, int rows, int chunk, Row work) {
    int size = Math.max(1, chunk);
    pool.run(
        scratch,
        Math.ceilDiv(rows, size),
        (own, item) -> {
          int end = Math.min(rows, (item + 1) * size);
          for (int row = item * size; row < end; row++) {
            work.run(own, row);
          }
        });
  }
}
