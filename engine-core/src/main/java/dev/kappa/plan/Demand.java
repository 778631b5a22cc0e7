package dev.kappa.plan;

/**
 * What each request of a workload needs of link and device.
 *
 * @param arrivalMillis when it comes
 * @param loaded prompt tokens whose KV comes over the link
 * @param cached prompt tokens whose KV need not be computed, the loaded ones included
 * @param computed prompt tokens that are computed
 */
record Demand(double[] arrivalMillis, int[] loaded, int[] cached, int[] computed) {

  /** One request whose whole prefix is in host memory. */
  static Demand of(int loaded, int computed) {
    return new Demand(new double[1], new int[] {loaded}, new int[] {loaded}, new int[] {computed});
  }

  /**
   * What a trace needs with caches of so many blocks. Everything computed or loaded is in both
   * afterwards, as far as it fits; what is on the device is not loaded.
   */
  static Demand of(Trace trace, long deviceBlocks, long hostBlocks) {
    LruBlocks device = new LruBlocks(deviceBlocks, trace.blocks());
    LruBlocks host = new LruBlocks(hostBlocks, trace.blocks());
    int count = trace.requests().size();
    Demand demand = new Demand(new double[count], new int[count], new int[count], new int[count]);
    for (int i = 0; i < count; i++) {
      Trace.Request request = trace.requests().get(i);
      int[] blocks = request.blocks();
      int resident = 0;
      while (resident < blocks.length && device.holds(blocks[resident])) {
        resident++;
      }
      int found = resident;
      while (found < blocks.length && (host.holds(blocks[found]) || device.holds(blocks[found]))) {
        found++;
      }
      demand.arrivalMillis[i] = request.arrivalMillis();
      demand.cached[i] = request.cachedTokens(found);
      demand.loaded[i] = demand.cached[i] - request.cachedTokens(resident);
      demand.computed[i] = request.inputTokens() - demand.cached[i];
      device.use(blocks);
      host.use(blocks);
    }
    return demand;
  }

  int requests() {
    return computed.length;
  }

  /** Tokens cached per token computed. */
  double[] kappaOfCached() {
    return ratio(cached);
  }

  /** Tokens loaded per token computed. */
  double[] kappaOfLoaded() {
    return ratio(loaded);
  }

  private double[] ratio(int[] tokens) {
    double[] kappa = new double[computed.length];
    for (int i = 0; i < kappa.length; i++) {
      kappa[i] = tokens[i] / (double) computed[i];
    }
    return kappa;
  }

  /** The share of all prompt tokens that is not computed. */
  double cachedShare() {
    double cachedTokens = 0;
    double all = 0;
    for (int i = 0; i < computed.length; i++) {
      cachedTokens += cached[i];
      all += cached[i] + (double) computed[i];
    }
    return cachedTokens / all;
  }
}
