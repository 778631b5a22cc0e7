package dev.kappa.server.metrics;

import dev.kappa.stats.Histogram;
import io.micrometer.core.instrument.Tag;
import io.micrometer.core.instrument.Tags;
import io.prometheus.metrics.model.registry.Collector;
import io.prometheus.metrics.model.snapshots.ClassicHistogramBuckets;
import io.prometheus.metrics.model.snapshots.HistogramSnapshot;
import io.prometheus.metrics.model.snapshots.HistogramSnapshot.HistogramDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.Labels;
import io.prometheus.metrics.model.snapshots.MetricMetadata;
import java.util.Arrays;
import java.util.List;

/**
 * Histograms that the engine keeps, under one name. Micrometer's own take values one by one, on the
 * thread that has them.
 */
record HistogramMeter(MetricMetadata metadata, List<Source> sources) implements Collector {

  /** One of them and what tells it from the others. */
  record Source(Tags tags, Histogram histogram) {}

  /**
   * @param name as it is on the wire
   */
  HistogramMeter(String name, String description, Source... sources) {
    this(new MetricMetadata(name, description), List.of(sources));
  }

  @Override
  public HistogramSnapshot collect() {
    return new HistogramSnapshot(
        metadata, sources.stream().map(HistogramMeter::dataPoint).toList());
  }

  @Override
  public String getPrometheusName() {
    return metadata.getPrometheusName();
  }

  private static HistogramDataPointSnapshot dataPoint(Source source) {
    Histogram.Reading reading = source.histogram.read();
    double[] bounds = Arrays.copyOf(reading.bounds(), reading.counts().length);
    bounds[bounds.length - 1] = Double.POSITIVE_INFINITY;
    return HistogramDataPointSnapshot.builder()
        .classicHistogramBuckets(ClassicHistogramBuckets.of(bounds, reading.counts()))
        .sum(reading.sum())
        .labels(labels(source.tags))
        .build();
  }

  private static Labels labels(Tags tags) {
    Labels.Builder labels = Labels.builder();
    for (Tag tag : tags) {
      labels.label(tag.getKey(), tag.getValue());
    }
    return labels.build();
  }
}
