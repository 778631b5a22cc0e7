package dev.kappa.cuda;

/**
 * How the query vectors of a KV head (rows times heads of its group) are cut into the tiles that
 * blocks work on; {@code Cut} in {@code attention.cuh}.
 *
 * @param vectors how many there are
 * @param reach vectors after which cutting begins anew
 * @param step most vectors of a tile
 */
record AttentionCut(int vectors, int reach, int step) {

  /** Rows of one sequence each: no tile has vectors of two. */
  static AttentionCut byRow(int rows, int group, int most) {
    int tilesOfRow = Math.ceilDiv(group, most);
    return new AttentionCut(rows * group, group, Math.ceilDiv(group, tilesOfRow));
  }

  /** All vectors one after the other. */
  static AttentionCut through(int vectors, int most) {
    return new AttentionCut(vectors, vectors, Math.min(vectors, most));
  }

  int tiles() {
    return vectors / reach * Math.ceilDiv(reach, step);
  }
}
