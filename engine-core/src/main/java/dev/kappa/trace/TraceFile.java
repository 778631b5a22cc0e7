package dev.kappa.trace;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.atomic.AtomicLong;
import tools.jackson.core.JsonGenerator;
import tools.jackson.databind.json.JsonMapper;

/**
 * A file of trace events in the JSON array form of Chrome's Trace Event Format. A thread of its own
 * writes whole events whenever there are some, so that what a process that dies has left behind
 * lacks nothing but the closing bracket, which viewers do without. Memory is bounded: events that
 * come faster than they can be written are dropped and counted. Thread-safe.
 */
public final class TraceFile implements AutoCloseable {

  private static final Logger LOG = System.getLogger(TraceFile.class.getName());

  private static final int MOST_WAITING = 1 << 16;
  private static final int BATCH = 1 << 10;
  private static final TraceEvent STOP = new TraceEvent.End("", "", 0, Map.of());

  private final Path path;
  private final OutputStream file;
  private final BlockingQueue<TraceEvent> waiting = new ArrayBlockingQueue<>(MOST_WAITING);
  private final AtomicLong dropped = new AtomicLong();
  private final ByteArrayOutputStream buffer = new ByteArrayOutputStream();
  private final JsonGenerator json;
  private final TraceJson events;
  private final Thread thread;
  private volatile boolean closed;

  private TraceFile(Path path, long originNanos) throws IOException {
    this.path = path;
    file = Files.newOutputStream(path);
    json = JsonMapper.shared().createGenerator(buffer);
    events = new TraceJson(json, originNanos);
    thread = new Thread(this::run, "kappa-trace");
    thread.setDaemon(true);
    thread.start();
  }

  /**
   * Creates a file, in place of one that is there.
   *
   * @param originNanos the time that the trace calls 0
   */
  public static TraceFile create(Path path, long originNanos) throws IOException {
    return new TraceFile(path, originNanos);
  }

  /** Takes an event; returns at once. */
  public void write(TraceEvent event) {
    if (closed || !waiting.offer(event)) {
      dropped.incrementAndGet();
    }
  }

  /** Events that are not in the file. */
  public long dropped() {
    return dropped.get();
  }

  /** Writes what waits and closes the file; what comes later is dropped. */
  @Override
  public void close() {
    synchronized (thread) {
      if (closed) {
        return;
      }
      closed = true;
    }
    boolean interrupted = false;
    while (thread.isAlive()) {
      try {
        waiting.put(STOP);
        thread.join();
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
    if (dropped() > 0) {
      LOG.log(Level.WARNING, "{0} lacks {1} events that came too fast", path, dropped());
    }
  }

  private void run() {
    try (file) {
      List<TraceEvent> batch = new ArrayList<>();
      json.writeStartArray();
      boolean open = true;
      while (open) {
        batch.add(waiting.take());
        waiting.drainTo(batch, BATCH);
        for (TraceEvent event : batch) {
          if (event == STOP) {
            open = false;
          } else {
            events.write(event);
          }
        }
        batch.clear();
        flush();
      }
      json.writeEndArray();
      flush();
    } catch (IOException e) {
      LOG.log(Level.WARNING, "the trace " + path + " ends here", e);
    } catch (InterruptedException e) {
      throw new IllegalStateException("nobody interrupts the trace's thread", e);
    }
    // Whoever waits to hand something over need not.
    closed = true;
    waiting.clear();
  }

  private void flush() throws IOException {
    json.flush();
    buffer.writeTo(file);
    file.flush();
    buffer.reset();
  }
}
