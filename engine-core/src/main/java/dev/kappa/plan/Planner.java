package dev.kappa.plan;

import dev.kappa.model.ModelShapes;
import dev.kappa.roofline.Gpu;
import dev.kappa.roofline.KvType;
import dev.kappa.roofline.Link;
import dev.kappa.roofline.Machine;
import dev.kappa.roofline.ModelShape;
import dev.kappa.roofline.Roofline;
import java.util.ArrayList;
import java.util.List;

/** Makes a {@link Plan}. Immutable, thread-safe. */
public final class Planner {

  /** Of what weights leave free; the engine takes the same share. */
  private static final double KV_SHARE_OF_FREE = 0.9;

  private static final List<Integer> CONTEXTS = List.of(2000, 8000, 32_000, 100_000);
  private static final int SMALLEST_HOST_GIB = 16;
  private static final int LARGEST_HOST_GIB = 4096;

  private final ModelShapes.Described model;
  private final Machine machine;
  private final int devices;
  private final long hostBytes;
  private final Workload workload;

  /**
   * @param devices machines' devices that share the model
   * @param hostBytes host memory for KV of all devices
   */
  public Planner(
      ModelShapes.Described model,
      Machine machine,
      int devices,
      long hostBytes,
      Workload workload) {
    this.model = model;
    this.machine = machine;
    this.devices = devices;
    this.hostBytes = hostBytes;
    this.workload = workload;
  }

  /** Works everything out; takes about a second for a trace of ten thousand requests. */
  public Plan plan() {
    Setting setting = new Setting(machine, model.shape().kv(), hostBytes);
    Roofline roofline = setting.roofline();
    List<Plan.Critical> critical = new ArrayList<>();
    for (int context : CONTEXTS) {
      if (context <= model.maxPositions()) {
        critical.add(new Plan.Critical(context, roofline.kappaCritical(context)));
      }
    }
    return new Plan(
        model.name(),
        model.shape().parameters(),
        model.shape().activeParameters(),
        machine.name(),
        devices,
        machine.profile().flopsPerSecond(),
        machine.profile().hostToDeviceBytesPerSecond(),
        machine.source(),
        setting.tiers(),
        critical,
        roofline.kappaCriticalWithoutAttention(),
        roofline.kappaCritical(context()),
        context(),
        prefixes(setting),
        setting.expect(),
        changes(setting),
        hostSizes(setting));
  }

  private int context() {
    return switch (workload) {
      case Workload.Equal equal -> equal.context();
      case Workload.Recorded recorded -> {
        int[] sorted =
            recorded.trace().requests().stream()
                .mapToInt(Trace.Request::inputTokens)
                .sorted()
                .toArray();
        yield sorted[(sorted.length - 1) / 2];
      }
    };
  }

  private List<Plan.Prefixes> prefixes(Setting setting) {
    return switch (workload) {
      case Workload.Equal equal -> List.of(prefixes("host", setting, demand(equal)));
      case Workload.Recorded recorded -> {
        Trace trace = recorded.trace();
        yield List.of(
            prefixes("unlimited host, no device", setting, Demand.of(trace, 0, trace.blocks())),
            prefixes("host, no device", setting, Demand.of(trace, 0, setting.hostBlocks())),
            prefixes(
                "host and device",
                setting,
                Demand.of(trace, setting.deviceBlocks(), setting.hostBlocks())));
      }
    };
  }

  private static Plan.Prefixes prefixes(String cache, Setting setting, Demand demand) {
    Expectation expected = Expectation.ofTrace(demand, setting.roofline());
    return new Plan.Prefixes(cache, expected.cachedShare(), expected.kappa(), expected.linkBound());
  }

  private List<Plan.Change> changes(Setting setting) {
    List<Plan.Change> changes = new ArrayList<>();
    if (model.shape().kv() != KvType.INT8) {
      changes.add(change("host KV in int8", new Setting(machine, KvType.INT8, hostBytes)));
    }
    if (machine instanceof Machine.Rated rated) {
      for (Link link : Link.values()) {
        if (link.toDeviceBytesPerSecond() > rated.link().toDeviceBytesPerSecond()) {
          Machine other =
              new Machine.Rated(rated.gpu(), link, rated.precision(), rated.computeShare());
          changes.add(change(link.title(), setting.on(other)));
        }
      }
      for (Gpu gpu : List.of(Gpu.H100_SXM, Gpu.H200, Gpu.B200, Gpu.GH200)) {
        if (gpu != rated.gpu() && gpu.peakFlopsPerSecond(rated.precision()) > 0) {
          Machine other =
              new Machine.Rated(gpu, gpu.link(), rated.precision(), rated.computeShare());
          changes.add(change(other.name(), setting.on(other)));
        }
      }
    }
    return changes;
  }

  private Plan.Change change(String what, Setting setting) {
    return new Plan.Change(what, setting.roofline().kappaCritical(context()), setting.expect());
  }

  private List<Plan.HostSize> hostSizes(Setting setting) {
    List<Plan.HostSize> sizes = new ArrayList<>();
    if (workload instanceof Workload.Recorded recorded) {
      sizes.add(hostSize(setting.withHost(0)));
      for (long gib = SMALLEST_HOST_GIB; gib <= LARGEST_HOST_GIB; gib *= 2) {
        Setting other = setting.withHost(gib << 30);
        if (other.hostBlocks() >= recorded.trace().blocks()) {
          break;
        }
        sizes.add(hostSize(other));
      }
      long all = (long) recorded.trace().blocks() * Trace.BLOCK;
      Setting unlimited = setting.withHost(Long.MAX_VALUE);
      sizes.add(new Plan.HostSize(null, all, unlimited.expect()));
    }
    return sizes;
  }

  private static Plan.HostSize hostSize(Setting setting) {
    return new Plan.HostSize(setting.host, setting.hostTokens(), setting.expect());
  }

  private static Demand demand(Workload.Equal equal) {
    return Demand.of(equal.cached(), equal.context() - equal.cached());
  }

  /** A machine with a host tier, for the model and workload at hand. */
  private final class Setting {
    private final Machine on;
    private final KvType hostType;
    private final long host;
    private final ModelShape hostShape;

    Setting(Machine on, KvType hostType, long host) {
      this.on = on;
      this.hostType = hostType;
      this.host = host;
      hostShape = model.shape().withKv(hostType);
    }

    Setting on(Machine other) {
      return new Setting(other, hostType, host);
    }

    Setting withHost(long bytes) {
      return new Setting(on, hostType, bytes);
    }

    /** Loads are of the host tier's type; what is computed does not depend on it. */
    Roofline roofline() {
      return new Roofline(hostShape, on.profile(), devices);
    }

    /** Host memory keeps each token once, whatever devices repeat. */
    long hostTokens() {
      return host / hostShape.kvBytesPerToken();
    }

    long deviceTokens() {
      double free = (double) on.deviceBytes() * devices - model.totalWeightBytes();
      double perToken =
          new Roofline(model.shape(), on.profile(), devices).kvBytesPerTokenAndDevice() * devices;
      return (long) Math.max(0, free * KV_SHARE_OF_FREE / perToken);
    }

    long hostBlocks() {
      return hostTokens() / Trace.BLOCK;
    }

    long deviceBlocks() {
      return deviceTokens() / Trace.BLOCK;
    }

    Plan.Tiers tiers() {
      return new Plan.Tiers(
          roofline().kvBytesPerTokenAndDevice(),
          model.totalWeightBytes(),
          on.deviceBytes() * devices,
          deviceTokens(),
          host,
          hostTokens());
    }

    Expectation expect() {
      return switch (workload) {
        case Workload.Equal equal -> Expectation.ofEqual(demand(equal), roofline(), equal.rate());
        case Workload.Recorded recorded ->
            Expectation.ofTrace(
                Demand.of(recorded.trace(), deviceBlocks(), hostBlocks()), roofline());
      };
    }
  }
}
